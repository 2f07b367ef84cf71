import { afterAll, beforeAll } from 'vitest'
import { devAccount } from '#contracts/anvil.ts'
import type { World } from '#contracts/test/world.ts'
import { type ClientSystem, clientSystem } from './clientSystem.ts'

/** One system for all tests of a file, each with accounts of its own. */
export function sharedSystem(): () => ClientSystem {
  const stops: (() => Promise<void>)[] = []
  let system: ClientSystem | undefined
  beforeAll(async () => {
    system = await clientSystem((stop) => stops.unshift(stop))
  })
  afterAll(async () => {
    for (const stop of stops) await stop()
  })
  return () => {
    if (!system) throw new Error('The system runs during tests alone.')
    return system
  }
}

/** The gOPEN that `act` moves to the nth account, in wei. */
export async function received(world: World, nth: number, act: () => Promise<unknown>): Promise<bigint> {
  const { address } = devAccount(nth)
  const before = await world.balance(address)
  await act()
  return (await world.balance(address)) - before
}
