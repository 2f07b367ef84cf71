import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { PROPOSAL_STATES } from '#rules/tally.ts'
import { type Database, openDatabase } from '#schema/database.ts'
import { Governor, Holder } from '#schema/onchain/governance.ts'
import { rowsOf } from '#schema/rows.ts'
import { freshDatabase, freshDatabaseUrl } from '#test/database.ts'
import { must } from '#test/must.ts'
import { type FollowedDeployment, type FollowedGovernor, startIndexer } from '../index.ts'
import { openRpc } from '../rpc/open.ts'
import { difference } from '../test/compare.ts'
import { FaultyNode, type NodeFault } from '../test/faultyNode.ts'
import { until } from '../test/follow.ts'
import { shows } from '../test/followedList.ts'
import {
  compareMoments,
  deployCompound,
  deployGovernor,
  expectOneRoot,
  expectStates,
  followGovernors,
  type Government,
  type GovernorChain,
  governorChain,
  indexDifference,
  live,
  liveAlpha,
  liveBravo,
  spreadPower,
} from '../test/governors.ts'
import { recordingLogger } from '../test/logger.ts'
import { reconcile, startReconciler } from './reconcile.ts'

/** Governors of others on one chain, configured by address and start block only. */

let chain: GovernorChain
/** An index that followed while the proposals were played. */
let played: Database
let all: [blocks: Government, seconds: Government, bravo: Government, sibling: Government, alpha: Government]
let deployment: FollowedDeployment

beforeAll(async () => {
  chain = await governorChain()
  const blocks = await deployGovernor(chain, 'BlockVotes')
  const seconds = await deployGovernor(chain, 'TimeVotes')
  const bravo = await deployCompound(chain, 'Bravo', blocks.token)
  const sibling = await deployCompound(chain, 'Bravo', blocks.token)
  const alpha = await deployCompound(chain, 'Alpha', blocks.token)
  all = [blocks, seconds, bravo, sibling, alpha]
  deployment = {
    chainId: chain.anvil.chainId,
    startBlock: 1,
    addresses: {},
    governors: all.map(({ governor }) => ({ address: governor.address })),
  }
  played = await openDatabase(await freshDatabaseUrl())
  const end = await followGovernors(chain, deployment, played)
  for (const { token } of [blocks, seconds]) await spreadPower(chain, token)
  for (const government of [blocks, seconds]) await live(chain, government)
  await liveAlpha(chain, alpha)
  await liveBravo(chain, bravo)
  await liveBravo(chain, sibling)
  await chain.pass(3)
  await end()
})
afterAll(async () => {
  await played?.close()
  await chain?.anvil.stop()
})

async function indexed(following = deployment): Promise<Database> {
  const db = await freshDatabase()
  const stop = new AbortController()
  const indexer = await startIndexer({ db, rpcUrl: chain.url, deployment: following, signal: stop.signal })
  await indexer.caughtUp()
  stop.abort()
  await indexer.stopped
  return db
}

test('what a Governor does not emit is read from it: token, timelock, clock, quorum', async () => {
  const db = await indexed()
  const [blocks, seconds, bravo, , alpha] = all
  const rows = new Map((await rowsOf(db, Governor)).map((row) => [row.id, row]))
  const lower = (government: Government) => ({
    token: government.token.address.toLowerCase(),
    timelock: government.timelock.address.toLowerCase(),
  })
  const openZeppelin = { kind: 'OpenZeppelin', counting: 'ForAbstain', quorumDenominator: 1000n, fixedQuorum: null }
  expect(rows.get(blocks.governor.address.toLowerCase())).toMatchObject({
    ...openZeppelin,
    ...lower(blocks),
    clock: 'BlockNumber',
    gracePeriod: null,
  })
  expect(rows.get(seconds.governor.address.toLowerCase())).toMatchObject({
    ...openZeppelin,
    ...lower(seconds),
    clock: 'Timestamp',
  })
  expect(rows.get(bravo.governor.address.toLowerCase())).toMatchObject({
    ...lower(bravo),
    kind: 'Bravo',
    clock: 'BlockNumber',
    counting: 'For',
    fixedQuorum: 400n,
    gracePeriod: 100,
  })
  expect(rows.get(alpha.governor.address.toLowerCase())).toMatchObject({
    ...lower(alpha),
    kind: 'Alpha',
    counting: 'For',
    fixedQuorum: 400n,
    gracePeriod: 100,
  })
})

test(shows('refused', 'with what to name instead'), async () => {
  const [{ timelock, token, governor }] = all
  const refusal = async (followed: FollowedGovernor) => {
    const following = { ...deployment, governors: [followed] }
    return startIndexer({ db: await freshDatabase(), rpcUrl: chain.url, deployment: following }).catch(
      (error: Error) => error.message,
    )
  }
  const at = async (name: string) => ({ address: (await chain.deploy(name)).address })
  expect(await refusal({ address: token.address })).toContain(
    'is not a Governor: it has no votingPeriod(). Name the Governor itself: its proxy, not the implementation behind it; not its token or timelock.',
  )
  expect(await refusal(await at('BravoDelegate'))).toContain('the implementation behind a proxy')
  for (const nouns of ['NounsGovernor', 'NounsFork'])
    expect(await refusal(await at(nouns))).toContain('is a Nouns Governor')
  expect(await refusal(await at('RankedGovernor'))).toContain('support=ranked&quorum=all')
  expect(await refusal(await at('ForeignClock'))).toMatch(
    /counts blocks that are not those of its node: its clock\(\) is \d+ in block \d+/,
  )
  expect(await refusal({ address: governor.address, token: timelock.address })).toContain(
    'the token of a Governor, but has neither getVotes(address) nor getCurrentVotes(address)',
  )
  expect(await refusal({ address: governor.address, timelock: token.address })).toContain(
    'the timelock of a Governor, but has neither getMinDelay() nor delay()',
  )
})

describe('in every block, every proposal has the state and the quorum that the contract returns', () => {
  test(shows('clocks'), async () => {
    const [blocks, seconds] = all
    for (const one of [blocks, seconds]) {
      const { seen, unknown } = await expectStates(chain, played, [one])
      const reached = PROPOSAL_STATES.filter((state) => state !== 'Expired') // its timelock has no end
      expect([...seen].sort()).toEqual(reached.map((state) => `OpenZeppelin ${state}`).sort())
      expect([...unknown]).toEqual([])
    }
  })

  test(shows('compound'), async () => {
    const [, , ...compounds] = all
    const { seen, unknown } = await expectStates(chain, await indexed(), compounds)
    const every = PROPOSAL_STATES.flatMap((state) => [`Alpha ${state}`, `Bravo ${state}`])
    expect([...seen].sort()).toEqual(every.sort())
    expect([...unknown]).toEqual([])
  })
})

test('at moments all over the history, live and clean, values are those of the contracts', async () => {
  expect(await compareMoments(chain, [played, await indexed()])).toBeGreaterThan(1_000)
})

test('ids are prefixed by contract, except those of the first Governor', async () => {
  const db = await indexed()
  const { rows } = await db.query('select id, governor_id, on_chain_id from proposal where to_block is null')
  const [first, second, bravo, sibling] = all.map(({ governor }) => governor.address.toLowerCase())
  for (const { id, governor_id, on_chain_id } of rows)
    expect(id).toBe(governor_id === first ? on_chain_id : `${governor_id}-${on_chain_id}`)
  const numbered = (governor: string | undefined) =>
    rows.filter((row) => row.governor_id === governor).map((row) => row.on_chain_id)
  expect(numbered(bravo).sort()).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9'])
  expect(numbered(sibling).sort()).toEqual(numbered(bravo).sort())
  expect(numbered(second)).toHaveLength(10)
  // two tokens: the same accounts hold both
  const holders = await rowsOf(db, Holder)
  expect(new Set(holders.map(({ token }) => token)).size).toBe(2)
  expect(holders.every(({ id, token, account }) => id === account || id === `${token}-${account}`)).toBe(true)
})

test('a comparison with the contracts finds nothing until a row is changed, then names that row', async () => {
  const db = await indexed()
  const rpc = openRpc(chain.url, {})
  const clean = await reconcile(db, rpc, { size: 1000, seed: 'a' })
  expect(clean.map(({ drift, findings }) => ({ drift, findings }))).toEqual(all.map(() => ({ drift: 0, findings: [] })))
  for (const { compared } of clean) expect(compared).toBeGreaterThan(50)

  const [account, token] = [must(chain.accounts[2]).toLowerCase(), all[0].token.address.toLowerCase()]
  await db.query('update holder set votes = votes + 1 where account = $1 and token = $2 and to_block is null', [
    account,
    token,
  ])
  const governor = all[1].governor.address.toLowerCase()
  const { rows } = await db.query(
    `update proposal set for_votes = for_votes - 1 where governor_id = $1 and id in (select id from proposal_content where description like 'split%') and to_block is null returning on_chain_id`,
    [governor],
  )
  const after = await reconcile(db, rpc, { size: 1000, seed: 'a' })
  const drifting = after.flatMap(({ governorId, findings }) => findings.map((one) => ({ governorId, ...one })))
  const vote = { what: 'votes', subject: account, indexed: expect.any(String), chain: expect.any(String) }
  expect(drifting.filter(({ what }) => what === 'votes')).toHaveLength(4) // four governors share the token
  expect(drifting).toContainEqual({ governorId: all[0].governor.address.toLowerCase(), ...vote })
  expect(drifting.filter(({ what }) => what === 'tally')).toEqual([
    {
      governorId: governor,
      what: 'tally',
      subject: `proposal ${rows[0].on_chain_id}`,
      indexed: '400,699,50',
      chain: '400,700,50',
    },
  ])
  const stored = await db.query('select governor_id, drift from reconciliation where seed = $1 order by id', ['a'])
  expect(stored.rows.map(({ drift }) => drift)).toEqual(after.map(({ drift }) => drift))
})

test('where the node has no state of the block, or the contracts answer nothing, the comparison says so and agrees with nothing', async () => {
  const db = await indexed()
  const node = await new FaultyNode(chain.url).up()
  onTestFinished(() => node.down())
  const answering = (fault: NodeFault) => {
    node.fault = ({ method }) => (method === 'eth_call' ? fault : undefined)
    return reconcile(db, openRpc(node.url, {}), { size: 5 })
  }
  for (const message of [
    'BlockOutOfRangeError: block height is 32 but requested was 5',
    'missing trie node 1234 (path ) state 0x12 is not available',
    'historical state 1234 is not available',
    'header not found',
  ])
    await expect(answering({ error: { code: -32602, message } })).rejects.toThrow(
      /^The node has no state of block \d+ \(.*\). An archive node keeps the state of all blocks.$/,
    )
  await expect(answering({ error: { code: -32601, message: 'Method not found' } })).rejects.toThrow('eth_call')
  for (const one of await answering({ result: '0x' }))
    expect(one).toMatchObject({
      compared: 0,
      drift: 0,
      nothingCompared: 'its contracts have none of the functions that would be compared',
    })

  for (const one of await answering({ result: '0x01' })) {
    expect(one).toMatchObject({ compared: 0, drift: 0 })
    expect(one.notCompared).toBeGreaterThan(5)
    expect(one.undecodable).toContain(`state() of ${one.governorId}`)
  }

  const { log, lines } = recordingLogger()
  node.fault = ({ method }) =>
    method === 'eth_call' ? { error: { code: -32602, message: 'BlockOutOfRangeError: …' } } : undefined
  const stop = new AbortController()
  const running = startReconciler({ db, rpcUrl: node.url, everyMs: 1, log, signal: stop.signal })
  const later = () => lines('The index is compared with the contracts later, at a newer final block')
  await until('the comparison is put off', () => later().length > 0)
  expect(later()[0]?.level).toBe('info')
  node.fault = ({ method }) => (method === 'eth_call' ? { result: '0x' } : undefined)
  await until('nothing was compared', () => lines('Nothing was compared with the contracts').length > 0)
  expect(lines('The index agrees with the contracts')).toEqual([])
  node.fault = () => undefined
  await until('it agrees', () => lines('The index agrees with the contracts').length > 0)
  stop.abort()
  await running
})

test('a token’s holders and delegations, and the Governor, are there before the Governor has spoken', async () => {
  const [{ token }] = all
  const { governor } = await deployCompound(chain, 'Alpha', token)
  const [, , delegator, , , , , holder] = chain.accounts.map((account) => account.toLowerCase())
  await chain.send(0, token, 'mint', [must(holder), 5n])
  const db = await indexed({ ...deployment, governors: [{ address: governor.address }] })
  const { rows } = await db.query('select 1 from chain_event where address = $1', [governor.address.toLowerCase()])
  expect(rows).toEqual([])
  expect(await rowsOf(db, Governor)).toMatchObject([{ id: governor.address.toLowerCase(), kind: 'Alpha' }])
  const held = await rowsOf(db, Holder, 'account = any($1)', [[delegator, holder]], { orderBy: 'balance' })
  expect(held).toMatchObject([
    { account: holder, balance: 5n, delegate: null },
    { account: delegator, balance: await chain.read(token, 'balanceOf', [delegator]), delegate: delegator },
  ])
})

test('however the chain is indexed, the state root is the same; a later start block is named', async () => {
  const [first] = all
  const [whole, late] = [await indexed(), await indexed({ ...deployment, startBlock: (await chain.head()) - 20 })]
  expect(await indexDifference(whole, late)).toMatchObject({
    says: expect.stringMatching(/^the indexes begin at different blocks: 1 here, \d+ there/),
  })
  expect(await rowsOf(whole, Governor, 'id = $1', [first.governor.address.toLowerCase()])).toMatchObject([
    { name: await chain.read(first.governor, 'name') },
  ])
  await expectOneRoot(chain, deployment)
})

test('a Governor whose first block is replaced is asked again, as of its block on the chain', async () => {
  const [{ token }] = all
  const timelock = await chain.deploy('BravoTimelock', [3n])
  await chain.pass(1)
  const deployed = () => chain.deploy('Alpha', [token.address, timelock.address])
  const governor = await deployed()
  const following = { ...deployment, governors: [{ address: governor.address }] }
  const db = await freshDatabase()
  const end = await followGovernors(chain, following, db, { confirmations: 64 })
  await chain.send(0, token, 'mint', [chain.accounts[7], 1n])
  await end.caughtUp()
  const askedAt = async (of: Database) => (await rowsOf(of, Governor))[0]?.askedAt
  expect(await askedAt(db)).toBe((await chain.head()) - 1)

  await chain.call('anvil_reorg', 2, [])
  await chain.pass(2)
  await until('it waits for the Governor', () => end.status().problem?.includes('has no contract at') ?? false)
  expect((await deployed()).address).toBe(governor.address)
  await chain.send(0, token, 'mint', [chain.accounts[7], 1n])
  await end()
  expect(await askedAt(db)).toBe((await chain.head()) - 1)
  const clean = await indexed(following)
  expect(await difference(db, clean)).toEqual([])
  expect(await indexDifference(db, clean)).toBeNull()
})
