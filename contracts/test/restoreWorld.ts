import { afterAll, afterEach, beforeEach } from 'vitest'
import type { World } from './world.ts'

/** Each test of a file begins with the world as `beforeAll` has left it; the chain ends with the file. */
export function restoreWorld(world: () => World): void {
  let clean: Awaited<ReturnType<World['snapshot']>>
  beforeEach(async () => {
    clean = await world().snapshot()
  })
  afterEach(() => world().revert(clean))
  afterAll(() => world()?.anvil.stop())
}
