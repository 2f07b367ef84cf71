import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freshDatabase } from '#test/database.ts'
import { startIndexer } from '../index.ts'
import { parseCsv } from './csv.ts'
import { readRecording } from './folder.ts'
import { startReplay } from './server.ts'

const GOVERNOR = '0x00000000000000000000000000000000000000AA'
const PROPOSER = '0x00000000000000000000000000000000000000b1'
const HUGE = (2n ** 255n + 12_345n).toString()

const files = {
  'votes/VoteCast.csv': {
    event: 'event VoteCast(address indexed voter, uint256 proposalId, uint8 support, uint256 weight, string reason)',
    text: `block_number,transaction_index,log_index,voter,proposal_id,support,weight,reason
105,0,0,0x00000000000000000000000000000000000000c1,${HUGE},1,10,"yes, ""of course"",
in two lines"
900,3,7,0x00000000000000000000000000000000000000c2,${HUGE},0,${10n ** 30n},
105,0,1,0x00000000000000000000000000000000000000c3,${HUGE},2,3,maybe
`,
  },
  'votes/VoteCastWithParams.csv': {
    event:
      'event VoteCastWithParams(address indexed voter, uint256 proposalId, uint8 support, uint256 weight, string reason, bytes params)',
    text: `block_number,transaction_index,log_index,voter,proposal_id,support,weight,reason,params\r
300,1,2,0x00000000000000000000000000000000000000c4,${HUGE},1,5,,beef\r
`,
  },
  'ProposalCreated.csv': {
    event:
      'event ProposalCreated(uint256 proposalId, address proposer, address[] targets, uint256[] values, string[] signatures, bytes[] calldatas, uint256 startBlock, uint256 endBlock, string description)',
    text: `block_number,transaction_index,log_index,proposal_id,proposer,targets,values,signatures,calldatas,start_block,end_block,description
100,0,0,${HUGE},${PROPOSER},"[""${GOVERNOR}"",""${PROPOSER}""]","[0,${HUGE}]","["""",""a, [b] \\""c\\""""]","[0b3d90cc,]",101,200,plain
`,
  },
  'ProposalCreated.type.csv': {
    event:
      'event ProposalCreated(uint256 proposalId, address proposer, address[] targets, uint256[] values, string[] signatures, bytes[] calldatas, uint256 startBlock, uint256 endBlock, string description, uint8 proposalType)',
    text: `block_number,transaction_index,log_index,proposal_id,proposer,targets,values,signatures,calldatas,start_block,end_block,description,proposal_type
101,0,0,2,${PROPOSER},[],[],[],[],101,200,typed,3
`,
  },
  'ProposalCreated.module.csv': {
    event:
      'event ProposalCreated(uint256 proposalId, address proposer, address votingModule, bytes proposalData, uint256 startBlock, uint256 endBlock, string description, uint8 proposalType)',
    text: `block_number,transaction_index,log_index,proposal_id,proposer,voting_module,proposal_data,start_block,end_block,description,proposal_type
102,0,0,3,${PROPOSER},${PROPOSER},00ff,101,200,by a module,1
`,
  },
}

async function recordedFolder(changed: Partial<Record<keyof typeof files, string>> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-replay-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await mkdir(join(folder, 'votes'))
  const events: Record<string, string> = {}
  for (const [name, { event, text }] of Object.entries(files)) {
    events[name] = event
    await writeFile(join(folder, name), changed[name as keyof typeof files] ?? text)
  }
  await writeFile(
    join(folder, 'replay.json'),
    JSON.stringify({ chainId: 10, contracts: [{ address: GOVERNOR, events }] }),
  )
  return folder
}

test('recorded events of a real Governor, in all their shapes and through forks, give exact counts and sums', async () => {
  const replay = await startReplay(await readRecording(await recordedFolder()))
  onTestFinished(() => replay.close())
  expect([0, 1, 2, 6].map(replay.recordedBlock)).toEqual([0, 100, 101, 900])
  const db = await freshDatabase()
  const stop = new AbortController()
  const deployment = { chainId: 10, startBlock: 1, addresses: { ModelGovernor: GOVERNOR } }
  const indexer = await startIndexer({ db, rpcUrl: replay.url, deployment, signal: stop.signal, pollMs: 10 })
  await indexer.caughtUp()
  for (const depth of [1, 3, 6]) {
    replay.fork(depth)
    await indexer.caughtUp()
  }
  expect(indexer.status().counters.reorganisations).toBe(3)
  stop.abort()
  await indexer.stopped

  const proposals = await db.query('select * from proposal where to_block is null order by length(id), id')
  expect(proposals.rows.map(({ id, description, vote_start }) => [id, description, vote_start])).toEqual([
    ['2', 'typed', 101],
    ['3', 'by a module', 101],
    [HUGE, 'plain', 101],
  ])
  expect(proposals.rows[1]).toMatchObject({ targets: [], values: [], calldatas: [] })
  expect(proposals.rows[2]).toMatchObject({
    targets: [GOVERNOR.toLowerCase(), PROPOSER],
    values: ['0', HUGE],
    calldatas: ['0x0b3d90cc'],
    for_votes: 15n,
    against_votes: 10n ** 30n,
    abstain_votes: 3n,
    quorum: null,
  })
  const votes = await db.query('select voter, weight, reason, params from vote where to_block is null order by voter')
  expect(votes.rows).toHaveLength(4)
  expect(votes.rows[0]).toMatchObject({ weight: 10n, reason: 'yes, "of course",\nin two lines', params: null })
  expect(votes.rows[3]).toMatchObject({ weight: 5n, params: '0xbeef' })
})

test('a folder that does not fit its description is refused with file and row', async () => {
  const broken = `block_number,transaction_index,log_index,proposal_id,proposer,targets,values,signatures,calldatas,start_block,end_block,description,proposal_type
101,0,0,2,${PROPOSER},[],[],[],[],101,200,typed,many
`
  const folder = await recordedFolder({ 'ProposalCreated.type.csv': broken })
  await expect(readRecording(folder)).rejects.toThrow(
    'ProposalCreated.type.csv, row 2: it does not fit ProposalCreated',
  )
  await expect(readRecording(join(folder, 'votes'))).rejects.toThrow(/replay.json cannot be read: name a folder/)
})

test('CSV is read with quotes, commas, line breaks and empty last fields', () => {
  expect(parseCsv('a,b\r\n"x ""y"", z",\n1,"two\nlines"')).toEqual([
    { a: 'x "y", z', b: '' },
    { a: '1', b: 'two\nlines' },
  ])
  expect(parseCsv('a,b\n1,')).toEqual([{ a: '1', b: '' }])
  expect(parseCsv('\ufeffa,b\n\n1,2\n')).toEqual([{ a: '1', b: '2' }])
  expect(() => parseCsv('a\n"open')).toThrow('Quote Not Closed')
  expect(() => parseCsv('a,b\n1,2\n3')).toThrow('columns length is 2, got 1 on line 3')
  expect(() => parseCsv('a,b\n1,2,3')).toThrow('columns length is 2, got 3 on line 2')
})
