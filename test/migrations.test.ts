import { expect, test } from 'vitest'
import { schemaDrift } from '#schema/dataSource.ts'
import { migrate } from '#schema/migrate.ts'
import { migrations } from '#schema/migrations/index.ts'
import { goldCommitment } from '#workers/handlers/settleFeedbackGold.ts'
import { databaseWith } from './database.ts'

const [governor, token, timelock] = ['0xa1', '0xb2', '0xc3']

test('the rows of an index of one deployment get the ids and contracts of an index of several Governors', async () => {
  const db = await databaseWith(5)
  await db.query(
    `insert into cursor (id, block, hash, final_block, head_block, contracts, updated_at) values ('31337', 9, '0x9', 5, 9, $1, now())`,
    [{ ModelGovernor: governor, GOpen: token, TimelockController: timelock }],
  )
  const insertProposal = `insert into proposal (id, proposer, description, targets, "values", calldatas, vote_start, vote_end, against_votes, for_votes,
     abstain_votes, canceled, executed, created_at, from_block, to_block) values ('77', '0x1', 'text', '{0x2}', '["0"]', '{0x}', 10, 20, 1, $1, 3, false, false, now(), $2, $3)`
  await db.query(insertProposal, ['2', 3, 6])
  await db.query(insertProposal, ['5', 6, null])
  await db.query(`insert into holder (id, balance, votes, from_block) values ('0xd4', 7, 8, 2)`)
  for (const id of ['totalSupply', 'minDelay', 'quorumNumerator'])
    await db.query(`insert into governor_setting (id, value, from_block) values ($1, '4', 1)`, [id])
  const event = (id: string, contract: string, block: number) =>
    db.query(
      `insert into chain_event (id, contract, name, args, address, transaction_hash, log_index, timestamp, from_block)
       values ($1, $2, 'Any', '{}', '0x1', '0x2', 0, now(), $3)`,
      [id, contract, block],
    )
  await event('2-0', 'GOpen', 2)
  await event('3-0', 'ModelGovernor', 3)
  await event('6-0', 'ModelGovernor', 6)

  expect(await migrate(db.url)).toHaveLength(migrations.length - 5)
  expect(await schemaDrift(db.url)).toEqual([])
  const rows = async (sql: string) => (await db.query(sql)).rows
  expect(
    await rows(
      'select id, governor_id, on_chain_id, for_votes, from_block, to_block from proposal order by from_block',
    ),
  ).toEqual(
    [
      { for_votes: 2n, from_block: 3, to_block: 6 },
      { for_votes: 5n, from_block: 6, to_block: null },
    ].map((version) => ({ id: '77', governor_id: governor, on_chain_id: '77', ...version })),
  )
  expect(await rows('select id, signatures, from_block, to_block from proposal_content')).toEqual([
    { id: '77', signatures: [], from_block: 3, to_block: null },
  ])
  expect(await rows('select id, token, account, balance from holder')).toEqual([
    { id: '0xd4', token, account: '0xd4', balance: 7n },
  ])
  expect(await rows('select id, name, contract from governor_setting order by id')).toEqual([
    { id: 'minDelay', name: 'minDelay', contract: timelock },
    { id: 'quorumNumerator', name: 'quorumNumerator', contract: governor },
    { id: 'totalSupply', name: 'totalSupply', contract: token },
  ])
  expect(
    await rows(
      'select id, kind, token, timelock, clock, counting, quorum_denominator, from_block, to_block from governor',
    ),
  ).toEqual([
    {
      id: governor,
      kind: 'OpenZeppelin',
      token,
      timelock,
      clock: 'Timestamp',
      counting: 'ForAbstain',
      quorum_denominator: 100n,
      from_block: 3, // the block of its first event
      to_block: null,
    },
  ])
  expect(await migrate(db.url)).toEqual([])
})

test('an empty database of the earlier schema gets no governor', async () => {
  const db = await databaseWith(5)
  await migrate(db.url)
  expect((await db.query('select id from governor')).rows).toEqual([])
  expect(await schemaDrift(db.url)).toEqual([])
})

test('comparisons of the earlier schema keep the secret of their gold', async () => {
  const db = await databaseWith(28)
  const key = `0x${'ab'.repeat(32)}`
  await db.query(
    `insert into job_run (id, kind, queue, input, result, status, attempt, attempts, priority, progress, idempotency_key, cancel_requested, created_at)
     select id, 'compare', 'training', '{}', result::jsonb, status, 1, 5, 0, 1, id, false, now()
     from (values ('one', $1, 'Succeeded'), ('two', '{}', 'Succeeded'), ('three', null, 'Failed')) given (id, result, status)`,
    [JSON.stringify({ key })],
  )
  await migrate(db.url)
  expect((await db.query('select id, key, job_id from gold_key')).rows).toEqual([
    { id: goldCommitment(key), key, job_id: 'one' },
  ])
})

test('a proposal keeps what it says once, and no version that changed nothing', async () => {
  const db = await databaseWith(38)
  const version = (id: string, text: string, votes: number, from: number, to: number | null) =>
    db.query(
      `insert into proposal (id, governor_id, on_chain_id, proposer, description, targets, "values", signatures, calldatas, vote_start, vote_end,
         against_votes, for_votes, abstain_votes, canceled, executed, created_at, from_block, to_block)
       values ($1, '0xa', $1, '0x1', $2, '{0x2}', '["0"]', '{}', '{0x}', 10, 20, 0, $3, 0, false, false, '2026-01-01', $4, $5)`,
      [id, text, votes, from, to],
    )
  await version('1', 'one', 0, 3, 6)
  await version('1', 'one', 0, 6, 7) // votes without weight
  await version('1', 'one', 0, 7, 9)
  await version('1', 'one', 5, 9, 12)
  await version('1', 'one', 5, 12, null)
  await version('2', 'two', 0, 4, 8)
  await version('2', 'another', 0, 8, 9) // made again
  await version('2', 'another', 0, 11, 12) // and again
  await db.query(
    `insert into state_root (id, root, digest, block_hash, changes, from_block) values ('1', '0x1', '0x2', '0x3', 1, 3)`,
  )
  await migrate(db.url)
  const rows = async (sql: string) => (await db.query(sql)).rows.map((row) => Object.values(row))
  expect(await rows('select id, for_votes, from_block, to_block from proposal order by id, from_block')).toEqual([
    ['1', 0n, 3, 9],
    ['1', 5n, 9, null],
    ['2', 0n, 4, 9],
    ['2', 0n, 11, 12],
  ])
  expect(
    await rows('select id, description, from_block, to_block from proposal_content order by id, from_block'),
  ).toEqual([
    ['1', 'one', 3, null],
    ['2', 'two', 4, 8],
    ['2', 'another', 8, 9],
    ['2', 'another', 11, 12],
  ])
  expect(await rows('select id from state_root')).toEqual([])
})
