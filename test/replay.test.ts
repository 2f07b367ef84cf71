import { expect, onTestFinished, test } from 'vitest'
import { type FollowedChain, followedChains } from '#cli/governors.ts'
import { startIndexer } from '#indexer/index.ts'
import { readRecording } from '#indexer/replay/folder.ts'
import { startReplay } from '#indexer/replay/server.ts'
import { stateOfStored } from '#rules/storedProposal.ts'
import { Governor, Proposal } from '#schema/onchain/governance.ts'
import { rowsOf } from '#schema/rows.ts'
import { must } from '#test/must.ts'
import { checkReplay } from './checks/replay.ts'
import { freshDatabase } from './database.ts'

const BRAVO = 'indexer/test/recordings/bravo'

test('a recorded Governor Bravo with its token and timelock is indexed completely from its replay.json and a configuration file', async () => {
  const output: string[] = []
  const right = await checkReplay(BRAVO, `${BRAVO}/governors.json`, (line: string) => output.push(line))
  expect(output.filter((line) => line.startsWith('✗'))).toEqual([])
  expect(right).toBe(true)
  const governor = '0x9fe46736679d2d9a65f0992f2272de9f3c7fa6e0'
  expect(output).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^\d+ blocks, [1-9]\d* forks that removed [1-9]\d* blocks$/),
      `✓ proposals of ${governor}: expected 9, found 9`,
      '✓ weight of support 0 on proposal 6: expected 1040, found 1040',
      expect.stringMatching(
        /✓ balance of 0x\w{40} in 0x5fbdb2315678afecb367f032d93f642f64180aa3: expected 1040, found 1040/,
      ),
      expect.stringMatching(/✓ QueueTransaction events of 0x\w{40}: expected 3, found 3/),
    ]),
  )
})

test('at the recorded block heights, the proposals have the same final states as on their chain', async () => {
  const replay = await startReplay(await readRecording(BRAVO), { heights: 'recorded' })
  onTestFinished(() => replay.close())
  const [{ deployment }] = (await followedChains({ config: `${BRAVO}/governors.json` }, { rpcUrl: replay.url })) as [
    FollowedChain,
  ]
  const db = await freshDatabase()
  const stop = new AbortController()
  const indexer = await startIndexer({ db, rpcUrl: replay.url, deployment, signal: stop.signal, pollMs: 10 })
  await indexer.caughtUp()
  replay.fork(20)
  await indexer.caughtUp()
  const { block } = indexer.status()
  stop.abort()
  await indexer.stopped
  const governor = must((await rowsOf(db, Governor))[0], 'governor')
  const proposals = await rowsOf(db, Proposal, 'true', [], { orderBy: 'id' })
  const now = { block, time: new Date(block * 2_000) }
  const ends = proposals.map((one) => `${one.description}: ${stateOfStored(one, governor, one.quorum, now)}`)
  expect(ends.slice(0, 7)).toEqual([
    'executed: Executed',
    'cancelled after it was queued: Canceled',
    'expired: Queued', // the only clock of a recording are its blocks, which are two seconds apart
    'defeated: abstentions are no quorum: Defeated',
    'without any action: Queued',
    'defeated by a vote against: Defeated',
    'succeeded: Succeeded',
  ])
  expect(proposals.every(({ quorum }) => quorum === 400n || quorum === null)).toBe(true)
})
