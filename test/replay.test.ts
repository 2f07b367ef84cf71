import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type FollowedChain, followedChains } from '#cli/governors.ts'
import { startIndexer } from '#indexer/index.ts'
import { readRecording } from '#indexer/replay/folder.ts'
import { startReplay } from '#indexer/replay/server.ts'
import { stateOfStored } from '#rules/storedProposal.ts'
import { Governor, Proposal } from '#schema/onchain/governance.ts'
import { rowsOf } from '#schema/rows.ts'
import { must } from '#test/must.ts'
import type { RecordedEvent } from './checks/replay/events.ts'
import { RecordedProposals } from './checks/replay/states.ts'
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

test('events that are not followed are passed over, with their numbers; delegations and states are compared at recorded heights', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-replay-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await cp(BRAVO, folder, { recursive: true })
  const description = JSON.parse(await readFile(join(folder, 'replay.json'), 'utf8'))
  const stranger = '0x00000000000000000000000000000000000000aa'
  description.contracts[1].events['Paused.csv'] = 'event Paused(address account)'
  description.contracts.push({
    address: stranger,
    events: { 'Moved.csv': description.contracts[0].events['token/Transfer.csv'] },
  })
  await writeFile(join(folder, 'replay.json'), JSON.stringify(description))
  const place = 'block_number,transaction_index,log_index'
  await writeFile(join(folder, 'Paused.csv'), `${place},account\n5,9,8,${stranger}\n26,9,9,${stranger}\n`)
  await writeFile(join(folder, 'Moved.csv'), `${place},from,to,value\n26,9,10,${stranger},${stranger},7\n`)
  const output: string[] = []
  expect(await checkReplay(folder, `${BRAVO}/governors.json`, (line) => output.push(line))).toBe(true)
  expect(output.filter((line) => line.startsWith('passed over'))).toEqual([
    'passed over: 2 × Paused of 0x9fe46736679d2d9a65f0992f2272de9f3c7fa6e0, which is not followed',
    `passed over: 1 × Transfer of ${stranger}, which is not followed`,
  ])
  const result = JSON.parse(must(output.at(-1)))
  expect(result).toMatchObject({ ok: true, passedOver: 3, wrong: [] })
  expect(result.heights).toBeGreaterThanOrEqual(40)
  expect(output).toEqual(expect.arrayContaining([expect.stringMatching(/^✓ delegate of 0x\w{40} in 0x5fbd/)]))
})

test('an oracle of recorded states tells what contracts would: pending, active, the quorum, and what it cannot know', () => {
  const governor = '0x00000000000000000000000000000000000000aa'
  const event = (block: number, name: string, values: Record<string, string>): RecordedEvent => ({
    block,
    index: 0,
    address: governor,
    name,
    argument: Object.assign(
      (...names: string[]) => must(names.map((one) => values[one]).find((one) => one !== undefined)),
      {
        has: (one: string) => one in values,
      },
    ),
  })
  const proposals = (fixedQuorum?: string) => {
    const of = new RecordedProposals({
      chainId: 1,
      startBlock: 1,
      addresses: {},
      governors: [{ address: governor, fixedQuorum }],
    })
    of.take(event(5, 'ProposalCreated', { proposalId: '1', voteStart: '10', voteEnd: '20' }))
    of.take(event(12, 'VoteCast', { proposalId: '1', support: '1', weight: '7' }))
    return (block: number) => of.at(block).states.get(`state of proposal 1 of ${governor}`)
  }
  expect([10, 11, 20, 21].map(proposals('7'))).toEqual(['Pending', 'Active', 'Active', 'Succeeded'])
  expect([20, 21].map(proposals('8'))).toEqual(['Active', 'Defeated'])
  expect([20, 21].map(proposals())).toEqual(['Active', undefined])
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
