import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { account } from '#test/factory.ts'
import { Act } from './act.ts'
import type { Client } from './client.ts'
import { randomHex } from './randomHex.ts'
import { memoryState } from './state/stateStore.ts'

test('two acts that are the same do not share a record: the second begins when the first has ended; others do not wait', async () => {
  const client = {
    deployment: { chainId: 1, addresses: { GOpen: account(1) } },
    wallet: { account: { address: account(2) } },
    ...{ state: memoryState(), doneWhen: 'mined' },
  } as unknown as Client
  const said: string[] = []
  const salts = new Set<string>()
  const play = (input: string) =>
    Act.run(client, 'commit', { input }, async (act) => {
      said.push(`${input} begins`)
      salts.add(await act.keep('salt', randomHex))
      await sleep(20)
      said.push(`${input} ends`)
    })
  await Promise.all([play('a'), play('a'), play('b')])
  expect(said.filter((one) => one.startsWith('a'))).toEqual(['a begins', 'a ends', 'a begins', 'a ends'])
  expect(said.indexOf('b begins')).toBeLessThan(said.indexOf('a ends'))
  expect(salts.size).toBe(3)
})
