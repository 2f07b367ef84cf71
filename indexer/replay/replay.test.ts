import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeEventLog, getAddress, keccak256, parseAbiItem, toHex } from 'viem'
import { expect, onTestFinished, test } from 'vitest'
import { Proposal } from '#schema/onchain/governance.ts'
import { rowsOf } from '#schema/rows.ts'
import { freshDatabase } from '#test/database.ts'
import { must } from '#test/must.ts'
import { startIndexer } from '../index.ts'
import { shows } from '../test/followedList.ts'
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

/** The index of a recorded folder, which goes on until `stop`. */
async function replayed(folder: string) {
  const replay = await startReplay(await readRecording(folder))
  onTestFinished(() => replay.close())
  const db = await freshDatabase()
  const end = new AbortController()
  const deployment = { chainId: 10, startBlock: 1, addresses: { ModelGovernor: GOVERNOR } }
  const indexer = await startIndexer({ db, rpcUrl: replay.url, deployment, signal: end.signal, pollMs: 10 })
  const stop = () => {
    end.abort()
    return indexer.stopped
  }
  onTestFinished(stop)
  await indexer.caughtUp()
  return { replay, db, indexer, stop }
}

test(shows('shapes', 'in recorded events, through forks, with exact counts and sums'), async () => {
  const { replay, db, indexer, stop } = await replayed(await recordedFolder())
  expect([0, 1, 2, 6].map(replay.recordedBlock)).toEqual([0, 100, 101, 900])
  for (const depth of [1, 3, 6]) {
    replay.fork(depth)
    await indexer.caughtUp()
  }
  expect(indexer.status().counters.reorganisations).toBe(3)
  await stop()

  const proposals = await rowsOf(db, Proposal, 'true', [], { orderBy: 'length(id), id' })
  expect(proposals.map(({ id, description, voteStart }) => [id, description, voteStart])).toEqual([
    ['2', 'typed', 101],
    ['3', 'by a module', 101],
    [HUGE, 'plain', 101],
  ])
  expect(proposals[1]).toMatchObject({ targets: [], values: [], calldatas: [] })
  expect(proposals[2]).toMatchObject({
    targets: [GOVERNOR.toLowerCase(), PROPOSER],
    values: ['0', HUGE],
    calldatas: ['0x0b3d90cc', '0x'],
    forVotes: 15n,
    againstVotes: 10n ** 30n,
    abstainVotes: 3n,
    quorum: null,
  })
  const votes = await db.query('select voter, weight, reason, params from vote where to_block is null order by voter')
  expect(votes.rows).toHaveLength(4)
  expect(votes.rows[0]).toMatchObject({ weight: 10n, reason: 'yes, "of course",\nin two lines', params: null })
  expect(votes.rows[3]).toMatchObject({ weight: 5n, params: '0xbeef' })
})

test('votes in many blocks do not store again what is proposed, and those without weight only themselves', async () => {
  const blocks = Array.from({ length: 200 }, (_, index) => index)
  const voterOf = (index: number) => `0x${(0xc000 + index).toString(16).padStart(40, '0')}`
  const weightOf = (index: number) => (index % 2 ? 0 : 1)
  const votes = blocks.map((index) => `${200 + index},0,0,${voterOf(index)},${HUGE},1,${weightOf(index)},`)
  const text = Array.from({ length: 2_000 }, (_, index) => keccak256(toHex(index))).join(' ') // 134 kB that do not compress much
  const folder = await recordedFolder({
    'votes/VoteCast.csv': [files['votes/VoteCast.csv'].text.split('\n')[0], ...votes].join('\n'),
    'votes/VoteCastWithParams.csv': files['votes/VoteCastWithParams.csv'].text.split('\r')[0] as string,
    'ProposalCreated.csv': files['ProposalCreated.csv'].text.replace('plain', text),
  })
  const { db } = await replayed(folder)
  const [proposal] = await rowsOf(db, Proposal, 'id = $1', [HUGE])
  expect(proposal).toMatchObject({ description: text, forVotes: 100n })
  const { rows } = await db.query(
    `select (select count(*) from proposal where id = $1)::int as versions,
       (pg_total_relation_size('proposal') + pg_total_relation_size('proposal_content'))::int as bytes`,
    [HUGE],
  )
  expect(rows[0].versions).toBe(101)
  expect(rows[0].bytes).toBeLessThan(1e6)
})

test('a folder that does not fit its description is refused with file, row and column', async () => {
  const votes = 'votes/VoteCast.csv'
  const columns = 'block_number,transaction_index,log_index,voter,proposal_id,support,weight,reason'
  const voter = '0x00000000000000000000000000000000000000c1'
  const good = `105,0,0,${voter},1,1,10,`
  const refused = async (name: keyof typeof files, text: string, problem: string) =>
    expect(await readRecording(await recordedFolder({ [name]: text })).catch(({ message }) => message)).toBe(problem)
  const of = (...rows: string[]) => [columns, ...rows].join('\n')
  await refused(
    'ProposalCreated.type.csv',
    files['ProposalCreated.type.csv'].text.replace('typed,3', 'typed,many'),
    'ProposalCreated.type.csv, row 2, column proposal_type: expected a whole number, not "many"',
  )
  await refused(
    votes,
    of(good, `105,0,1,${voter},1,1,,`),
    `${votes}, row 3, column weight: expected a whole number, not an empty cell`,
  )
  await refused(
    votes,
    of(`105,0,0,${voter},1,256,10,`),
    `${votes}, row 2, column support: expected an uint8, not "256"`,
  )
  await refused(
    votes,
    of(`105,0,0,${voter},-1,1,10,`),
    `${votes}, row 2, column proposal_id: expected an uint256, not "-1"`,
  )
  await refused(
    votes,
    of('105,0,0,0xc1,1,1,10,'),
    `${votes}, row 2, column voter: expected an address: 0x and 40 hex digits, not "0xc1"`,
  )
  await refused(
    votes,
    of(`,0,0,${voter},1,1,10,`),
    `${votes}, row 2, column block_number: expected a whole number from 1, not an empty cell`,
  )
  await refused(
    votes,
    of(`1e3,0,0,${voter},1,1,10,`),
    `${votes}, row 2, column block_number: expected a whole number from 1, not "1e3"`,
  )
  await refused(
    votes,
    of(good, good),
    `${votes}, row 2 and ${votes}, row 3 are both log 0 of block 105. Each log is recorded once: remove one.`,
  )
  await refused(
    votes,
    of(good, `105,0,1,${voter},1,1`),
    `${votes} is not a CSV file that can be read: row 3 has 6 cells, but there are 8 columns: it has none in column weight`,
  )
  await refused(votes, columns.replace('block_number', 'block'), `${votes}, row 1: column 1 must be block_number`)
  await refused(
    votes,
    columns.replace(',weight', ''),
    `${votes}, row 1: VoteCast has 5 arguments, but there are 4 columns after block_number, transaction_index, log_index`,
  )
  const lists = 'ProposalCreated.csv'
  const changed = (from: string, to: string) => files[lists].text.replace(from, to)
  await refused(
    lists,
    changed(`[0,${HUGE}]`, `[0 ${HUGE}]`),
    `${lists}, row 2, column values: expected a whole number, not "0 ${HUGE}"`,
  )
  await refused(
    lists,
    changed('[0b3d90cc,]', '[0b3,]'),
    `${lists}, row 2, column calldatas: expected bytes as hex, not "0b3"`,
  )
  await refused(
    lists,
    changed('"[0b3d90cc,]"', '0b3d90cc'),
    `${lists}, row 2, column calldatas: expected a list in brackets, not "0b3d90cc"`,
  )
  await refused(
    lists,
    changed('[0b3d90cc,]', '[0b3d90cc,'),
    `${lists}, row 2, column calldatas: expected , or ] in the list, not its end`,
  )
  await expect(readRecording(join(await recordedFolder(), 'votes'))).rejects.toThrow(
    /replay.json cannot be read: name a folder/,
  )
})

test('a description that cannot be used is refused with its place', async () => {
  const folder = await recordedFolder()
  const describe = (contracts: unknown) =>
    writeFile(join(folder, 'replay.json'), JSON.stringify({ chainId: 10, contracts }))
  await describe([{ address: '0x12', events: {} }])
  await expect(readRecording(folder)).rejects.toThrow('replay.json: contracts.0.address:')
  await describe([{ address: GOVERNOR, events: { 'votes/VoteCast.csv': 'VoteCast(address)' } }])
  await expect(readRecording(folder)).rejects.toThrow(
    'replay.json: votes/VoteCast.csv: "VoteCast(address)" declares no event',
  )
  await describe([{ address: GOVERNOR, events: { 'None.csv': 'event Paused(address account)' } }])
  await expect(readRecording(folder)).rejects.toThrow('None.csv, which replay.json names, cannot be read')
  await writeFile(join(folder, 'replay.json'), '{')
  await expect(readRecording(folder)).rejects.toThrow('replay.json is not JSON')
})

test('arguments that are tuples, fixed arrays or lists of lists are encoded as their event declares', async () => {
  const folder = await recordedFolder()
  const declaration =
    'event Filled((address maker, uint256[] amounts, (bool taken, bytes4 id) more)[] orders, uint8[2] kinds, uint256[][] grid, int64 change)'
  await writeFile(
    join(folder, 'Filled.csv'),
    `block_number,transaction_index,log_index,orders,kinds,grid,change
7,0,0,"[(${PROPOSER}, [1, 2], [true, 01020304]), [""${PROPOSER}"",[],[false,0x05060708]]]","[3,4]","[[1],[],[2,3]]",-5
`,
  )
  await writeFile(
    join(folder, 'replay.json'),
    JSON.stringify({ chainId: 10, contracts: [{ address: GOVERNOR, events: { 'Filled.csv': declaration } }] }),
  )
  const { events } = await readRecording(folder)
  const { args } = decodeEventLog({ abi: [parseAbiItem(declaration)], ...must(events[0]) } as never) as {
    args: unknown
  }
  const maker = getAddress(PROPOSER)
  expect(args).toEqual({
    orders: [
      { maker, amounts: [1n, 2n], more: { taken: true, id: '0x01020304' } },
      { maker, amounts: [], more: { taken: false, id: '0x05060708' } },
    ],
    kinds: [3, 4],
    grid: [[1n], [], [2n, 3n]],
    change: -5n,
  })
})

test('CSV is read with quotes, commas, line breaks and empty last fields', () => {
  expect(parseCsv('a,b\r\n"x ""y"", z",\n1,"two\nlines"')).toEqual({
    columns: ['a', 'b'],
    rows: [
      ['x "y", z', ''],
      ['1', 'two\nlines'],
    ],
  })
  expect(parseCsv('\ufeffa,b\n\n1,\n').rows).toEqual([['1', '']])
  expect(() => parseCsv('a\n"open')).toThrow('Quote Not Closed')
  expect(() => parseCsv('a,b\n1,2\n3')).toThrow('row 3 has 1 cells, but there are 2 columns: it has none in column b')
  expect(() => parseCsv('a,b\n1,2,3')).toThrow('row 2 has 3 cells, but there are 2 columns')
  expect(() => parseCsv('a,a\n1,2')).toThrow('two columns are named a')
  expect(() => parseCsv('')).toThrow('it is empty')
})
