import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Hex, keccak256, stringToHex } from 'viem'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { reconcile } from '#indexer/governors/reconcile.ts'
import type { FollowedDeployment } from '#indexer/index.ts'
import { openRpc } from '#indexer/rpc/open.ts'
import { type At, followGovernors, type GovernorChain, governorChain, spreadPower } from '#indexer/test/governors.ts'
import { type Database, openDatabase } from '#schema/database.ts'
import { freePort } from '#schema/postgres.ts'
import { freshDatabase, freshDatabaseUrl } from '#test/database.ts'
import { runProgram } from '#test/testSystem.ts'

/** `index`, `api` and `reconcile` with `--governor`, as programs beside each other; and drift of each kind of value. */

let chain: GovernorChain
let token: At
let governor: At
let deployment: FollowedDeployment
/** Account 2, which votes on both proposals, and moves tokens after both. */
let voter: string
let ids: bigint[]

beforeAll(async () => {
  chain = await governorChain('OldGovernor.sol')
  token = await chain.deploy('BlockVotes')
  await spreadPower(chain, token)
  governor = await chain.deploy('OldGovernor', [token.address, 20n, 0n])
  deployment = {
    chainId: chain.anvil.chainId,
    startBlock: 1,
    addresses: {},
    governors: [{ address: governor.address }],
  }
  voter = String(chain.accounts[2]).toLowerCase()
  ids = []
  for (const description of ['the first', 'the second']) {
    const calls: [Hex[], bigint[], Hex[]] = [[governor.address], [0n], ['0x']]
    await chain.send(1, governor, 'propose', [...calls, description])
    const id = await chain.read(governor, 'hashProposal', [...calls, keccak256(stringToHex(description))])
    ids.push(id as bigint)
  }
  await chain.pass(3)
  for (const id of ids) for (const account of [1, 2]) await chain.send(account, governor, 'castVote', [id, 1])
  await chain.send(2, token, 'burn', [10n])
  await chain.pass(12)
})
afterAll(() => chain?.anvil.stop())

const WITHIN = { timeout: 60_000, interval: 200 }
const FINDING_OF_THE_VOTER = (what: string) => expect.objectContaining({ what, subject: voter })

interface Answer {
  data: {
    governors: { nodes: object[] }
    proposals: { nodes: object[] }
    _meta: { block: number }
  }
}

/** Starts a service that ends with the test. */
function start(command: string, env: Record<string, string>, args: readonly string[]) {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, ['bin/modelcommons.js', command, ...args], {
    env: { PATH, HOME, LOG_LEVEL: 'error', ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  onTestFinished(async () => {
    if (child.exitCode === null && child.kill('SIGTERM')) await once(child, 'exit')
  })
}

test('`index --governor`, `api --governor` and `reconcile --governor` work on one index, without a deployment or a configuration file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-governor-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const env = {
    MODELCOMMONS_HOME: folder,
    DATABASE_URL: await freshDatabaseUrl(),
    RPC_URL: chain.url,
    CONFIRMATIONS: '1',
  }
  const PORT = String(await freePort())
  const named = ['--governor', governor.address]
  start('index', { ...env, INDEX_PORT: '0', RECONCILE_SECONDS: '0' }, [...named, '--start-block', '1'])
  start('api', { ...env, PORT, API_METRICS_PORT: '0', MODELCOMMONS_AUTH: 'open' }, named)
  const ask = async () => {
    const response = await fetch(`http://127.0.0.1:${PORT}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        query: '{ governors { nodes { id } } proposals { nodes { onChainId state forVotes quorum } } _meta { block } }',
      }),
    })
    return ((await response.json()) as Answer).data
  }
  const head = await chain.head()
  await vi.waitFor(async () => expect((await ask())._meta.block).toBe(head), WITHIN)
  const { governors, proposals } = await ask()
  expect(governors.nodes).toEqual([{ id: governor.address.toLowerCase() }])
  const told = await Promise.all(
    ids.map(async (id) => {
      const proposal = (await chain.read(governor, 'proposals', [id])) as bigint[]
      const quorum = String(await chain.read(governor, 'quorum', [proposal[3]]))
      return { onChainId: String(id), state: 'Succeeded', forVotes: String(proposal[5]), quorum }
    }),
  )
  expect(proposals.nodes).toHaveLength(2)
  expect(proposals.nodes).toEqual(expect.arrayContaining(told))
  expect(await runProgram('reconcile', env, named)).toEqual({
    code: 0,
    output: expect.stringMatching(/: 0 of \d+ values differ$/),
  })

  const db = await openDatabase(env.DATABASE_URL)
  onTestFinished(() => db.close())
  for (const kind of ['balance', 'delegate', 'tally'] as const) await PLANTED[kind](db)
  const { code, output } = await runProgram('reconcile', env, named)
  expect(code).toBe(1)
  expect(output).toMatch(/: 3 of \d+ values differ \(1 balance, 1 delegate, 1 tally\)\n/)
  expect(output).toContain(`  tally of proposal ${ids[0]}: 0,1341,0 in the index, 0,1340,0 on chain`)
})

test('`api --governor` and `reconcile --governor` say what is missing', async () => {
  const named = ['--governor', governor.address]
  const DATABASE_URL = await freshDatabaseUrl()
  for (const command of ['api', 'reconcile']) {
    const [noNode, noIndex] = [
      await runProgram(command, { DATABASE_URL, PORT: '0' }, named),
      await runProgram(command, { RPC_URL: chain.url, PORT: '0' }, named),
    ]
    expect(noNode).toEqual({ code: 1, output: expect.stringContaining('RPC_URL: required with --governor') })
    expect(noIndex).toEqual({ code: 1, output: expect.stringContaining('DATABASE_URL: required') })
  }
})

const setHolder = (db: Database, set: string, version = 'to_block is null') =>
  db.query(`update holder set ${set} where account = $1 and ${version}`, [voter])
const setFirstProposal = (db: Database, set: string) =>
  db.query(`update proposal set ${set} where on_chain_id = $1 and to_block is null`, [String(ids[0])])

/** Drift of each kind of value that is compared. */
const PLANTED = {
  state: (db: Database) => setFirstProposal(db, 'executed = true'),
  tally: (db: Database) => setFirstProposal(db, 'for_votes = for_votes + 1'),
  quorum: (db: Database) => setFirstProposal(db, 'quorum = quorum + 1'),
  votes: (db: Database) => setHolder(db, 'votes = votes + 1'),
  balance: (db: Database) => setHolder(db, 'balance = balance - 1'),
  delegate: (db: Database) => setHolder(db, `delegate = '0x${'ab'.repeat(20)}'`),
  pastVotes: (db: Database) => setHolder(db, 'votes = votes + 1', 'to_block is not null and votes > 0'),
  supply: (db: Database) =>
    db.query(
      `update governor_setting set value = (value::numeric + 1)::text where name = 'totalSupply' and to_block is null`,
    ),
}

test('drift is found in each kind of value, and counted by kind', async () => {
  const compared = async (plant: (db: Database) => Promise<unknown>) => {
    const db = await freshDatabase()
    await (await followGovernors(chain, deployment, db, { confirmations: 1 }))()
    await plant(db)
    const found = await reconcile(db, openRpc(chain.url, {}), { size: 1000, seed: 'a' })
    return found.map(({ drift, driftByKind, findings }) => ({ drift, driftByKind, findings }))
  }
  expect(await compared(async () => {})).toEqual([{ drift: 0, driftByKind: {}, findings: [] }])
  const each: Record<string, number> = {}
  for (const [kind, plant] of Object.entries(PLANTED)) {
    each[kind] = kind === 'pastVotes' ? ids.length : 1
    const [told] = await compared(plant)
    expect({ drift: told?.drift, driftByKind: told?.driftByKind }).toEqual({
      drift: each[kind],
      driftByKind: { [kind]: each[kind] },
    })
    if (['votes', 'balance', 'delegate'].includes(kind)) expect(told?.findings).toEqual([FINDING_OF_THE_VOTER(kind)])
  }
  const all = await compared(async (db) => {
    for (const plant of Object.values(PLANTED)) await plant(db)
  })
  expect(all).toMatchObject([{ drift: 9, driftByKind: each }])
})
