import { type Hex, toHex, zeroHash } from 'viem'
import { channelConfig } from '#rules/channel.ts'
import { must } from '#test/must.ts'
import { DEPLOY_ORDER } from '../deploy.ts'
import { type Batch, commitmentOf, contentsOf, signBatch, submitArguments } from './batch.ts'
import { judgement, judgementCommitment, openRound, revealAll } from './judge.ts'
import { lockVotes, openVote, propose, RUBRIC, TERMS, VOTES } from './mandate.ts'
import { fundEpoch, mineUntil, publicationOf, treeOf } from './publication.ts'
import { channelOf, depositCredit, marketPlace, redemption } from './vouchers.ts'
import {
  ALICE,
  BOB,
  CAROL,
  CONSUMER,
  ETHER,
  GENESIS,
  HOLDER,
  HOST,
  hashOf,
  OPERATOR,
  PROPOSER,
  RESOLVER,
  SETTINGS,
  type Sent,
  SIGNERS,
  STRANGER,
  startWorld,
  type World,
} from './world.ts'

/** One measured action: the gas of the whole transaction and the number of items in it. */
export type GasRow = { contract: string; action: string; items: number; gas: bigint }

const FAR = BigInt(GENESIS + 100_000_000)
const BATCH = 50
const VALIDATORS = [ALICE, BOB, CAROL, HOST, CONSUMER]
const LEAVES = 1_000
/** EIP-7825. */
export const MAX_TRANSACTION_GAS = 2n ** 24n

/** Runs the lifecycle once on a real EVM and measures each kind of transaction. The same sources give the same numbers. */
export async function measureGas(): Promise<GasRow[]> {
  const world = await startWorld()
  try {
    const rows: GasRow[] = []
    const record = async (contract: string, action: string, sent: Promise<Sent>, items = 1) => {
      const { gasUsed, events } = await sent
      rows.push({ contract, action, items, gas: gasUsed })
      return events
    }
    await deployments(world, rows)
    const modelId = await governance(world, record)
    const versionId = await versions(world, record, modelId)
    await datanets(world, record, modelId)
    await feedback(world, record, modelId, versionId)
    await market(world, record, versionId)
    await rewards(world, record)
    return rows
  } finally {
    await world.anvil.stop()
  }
}

/** The page with the table. */
export function gasPage(rows: readonly GasRow[]): string {
  const redeeming = must(rows.find(({ action }) => action === 'redeem'))
  const number = (value: bigint) => value.toString().replace(/\B(?=(\d{3})+$)/g, ',')
  const lines = rows.map(({ contract, action, items, gas }) => {
    const each = items === 1 ? '' : number(gas / BigInt(items))
    return `| ${contract} | ${action} | ${items} | ${number(gas)} | ${each} |`
  })
  return [
    '# Gas',
    '',
    'The gas cost of each action, measured on a real EVM (anvil, Prague rules, solc with 200 optimiser runs). This page is written by',
    '`npm run contracts -- --gas`; a test fails when the table is outdated. A batch of 50 stays far below a block gas limit of 30,000,000.',
    '',
    `A transaction may use ${number(MAX_TRANSACTION_GAS)} gas (EIP-7825): ${number(mostOf(redeeming))} redemptions. Workers cut their`,
    'batches by estimated gas, below that.',
    '',
    '| contract | action | items | gas | per item |',
    '|---|---|--:|--:|--:|',
    ...lines,
    '',
  ].join('\n')
}

/** How many items of that kind fit in one transaction, if each costs what it costs in the measured batch. */
const mostOf = ({ gas, items }: GasRow): bigint => (MAX_TRANSACTION_GAS * BigInt(items)) / gas

type Record = (contract: string, action: string, sent: Promise<Sent>, items?: number) => Promise<Sent['events']>

async function deployments(world: World, rows: GasRow[]) {
  for (const [i, contract] of DEPLOY_ORDER.entries()) {
    const block = await world.client.getBlock({ blockNumber: BigInt(i + 1) })
    rows.push({ contract, action: 'deployment', items: 1, gas: block.gasUsed })
  }
}

async function governance(world: World, record: Record): Promise<bigint> {
  await record('GOpen', 'deposit', world.send(STRANGER, 'GOpen', 'deposit', [], ETHER))
  await record('GOpen', 'delegate', world.send(HOLDER, 'GOpen', 'delegate', [HOLDER.address]))
  await record('GOpen', 'lock', world.send(HOLDER, 'GOpen', 'lock', [VOTES]))
  await record('GOpen', 'withdraw', world.send(STRANGER, 'GOpen', 'withdraw', [ETHER]))
  await lockVotes(world, [PROPOSER])
  await record('GOpen', 'requestUnlock', world.send(PROPOSER, 'GOpen', 'requestUnlock', [ETHER]))
  await world.send(HOLDER, 'GOpen', 'transfer', [world.at.Treasury, TERMS.budget])
  const terms = [hashOf('specification'), 'artifact:specification', TERMS, 10n * ETHER] as const
  await record('ModelRegistry', 'propose (2 targets)', world.send(PROPOSER, 'ModelRegistry', 'propose', terms))
  await propose(world)
  const modelId = 1n
  const actions = await world.read('ModelRegistry', 'proposalActions', [modelId])
  const [targets, values, calldatas, description] = actions
  const args = [targets, values, calldatas, hashOf(description)] as const
  await record('ModelGovernor', 'propose', world.send(PROPOSER, 'ModelGovernor', 'propose', actions))
  await openVote(world, (await propose(world)).actions)
  const [model] = await world.read('ModelRegistry', 'getModel', [modelId])
  await record('ModelGovernor', 'castVote', world.send(HOLDER, 'ModelGovernor', 'castVote', [model.proposalId, 1]))
  await world.warp(1_001)
  await record('ModelGovernor', 'queue', world.send(HOLDER, 'ModelGovernor', 'queue', args))
  await world.warp(101)
  await record('ModelGovernor', 'execute (mandate issued)', world.send(HOLDER, 'ModelGovernor', 'execute', args))
  await record('ModelRegistry', 'resolveBond', world.send(STRANGER, 'ModelRegistry', 'resolveBond', [modelId]))
  await record('ModelRegistry', 'stake', world.send(ALICE, 'ModelRegistry', 'stake', [modelId, ETHER]))
  await record('ModelRegistry', 'unstake', world.send(ALICE, 'ModelRegistry', 'unstake', [modelId, ETHER]))
  await record('ModelRegistry', 'fundMandate', world.send(ALICE, 'ModelRegistry', 'fundMandate', [modelId, ETHER]))
  const spend = [modelId, OPERATOR.address, 'feedback', ETHER] as const
  await record('ModelRegistry', 'spendBudget', world.send(OPERATOR, 'ModelRegistry', 'spendBudget', spend))
  return modelId
}

async function versions(world: World, record: Record, modelId: bigint): Promise<bigint> {
  const args = [modelId, 0n, 'lora', hashOf('dataset'), hashOf('manifest'), hashOf('adapter')] as const
  await record('ModelRegistry', 'registerVersion', world.send(OPERATOR, 'ModelRegistry', 'registerVersion', args))
  const interval = { score: 800_000n, lower: 700_000n, upper: 900_000n, n: 200n }
  const metrics = ['accuracy', 'margin'].map((metric) => ({ metric, ...interval }))
  const log = [1n, RUBRIC, metrics, hashOf('log')] as const
  await record('EvaluationRegistry', 'log', world.send(OPERATOR, 'EvaluationRegistry', 'log', log), metrics.length)
  await record('ModelRegistry', 'promote', world.send(STRANGER, 'ModelRegistry', 'promote', [1n]))
  return 1n
}

async function datanets(world: World, record: Record, modelId: bigint) {
  const create = [modelId, 'CC-BY-4.0', 1n, 0] as const
  await record('DatanetRegistry', 'createDatanet', world.send(PROPOSER, 'DatanetRegistry', 'createDatanet', create))
  for (const [round, count] of [1, BATCH].entries()) {
    const contents = contentsOf(`batch ${count}`, count)
    const batch: Batch = {
      datanetId: 1n,
      contributor: ALICE.address,
      contents,
      stakeEach: 1n,
      salt: RUBRIC,
      deadline: FAR,
    }
    const commit = world.send(STRANGER, 'DatanetRegistry', 'commit', [commitmentOf(batch), ALICE.address])
    await (round === 0 ? record('DatanetRegistry', 'commit (any batch)', commit) : commit)
    const signature = await signBatch(world, ALICE, batch, BigInt(round))
    const submit = world.send(STRANGER, 'DatanetRegistry', 'submit', submitArguments(batch, signature))
    await record('DatanetRegistry', 'submit, relayed', submit, count)
  }
  const ids = Array.from({ length: BATCH }, (_, i) => BigInt(i + 2))
  const all = <T>(value: T) => ids.map(() => value)
  const score = [ids, all(900_000), all(1_000_000), all(1), all('clear and on topic')] as const
  await record('DatanetRegistry', 'score', world.send(OPERATOR, 'DatanetRegistry', 'score', score), BATCH)
  const slash = [2n, 1n, hashOf('evidence')] as const
  await record('DatanetRegistry', 'slash', world.send(OPERATOR, 'DatanetRegistry', 'slash', slash))
  const open = [0, 3n, hashOf('evidence')] as const
  await record('Disputes', 'open (contribution)', world.send(STRANGER, 'Disputes', 'open', open))
  await record('Disputes', 'rule', world.send(RESOLVER, 'Disputes', 'rule', [1n, true, 1n]))
  await world.warp(SETTINGS.appealTime)
  await record('Disputes', 'enforce, upheld', world.send(STRANGER, 'Disputes', 'enforce', [1n]))
  await world.warp(500)
  const free = ids.slice(2)
  await record(
    'DatanetRegistry',
    'withdrawStake',
    world.send(ALICE, 'DatanetRegistry', 'withdrawStake', [free]),
    free.length,
  )
}

async function feedback(world: World, record: Record, modelId: bigint, versionId: bigint) {
  const pool = 'FeedbackPool'
  await record(pool, 'stake', world.send(ALICE, pool, 'stake', [100n * ETHER]))
  for (const { address } of VALIDATORS.slice(1)) await world.send(address, pool, 'stake', [100n * ETHER])
  const now = BigInt(await world.now())
  const input = { versionId, domain: 'support', itemHash: RUBRIC, pot: 1_000n }
  const inputs = Array.from({ length: BATCH }, () => input)
  const open = world.send(OPERATOR, pool, 'openRound', [modelId, inputs, now + 100n, now + 200n, 60, zeroHash])
  await record(pool, 'openRound', open, BATCH)
  await world.mine()
  await record(pool, 'drawSeats', world.send(STRANGER, pool, 'drawSeats', [1n]))
  const ids = Array.from({ length: BATCH }, (_, i) => BigInt(i + 1))
  const few = ids.slice(0, BATCH / VALIDATORS.length)
  for (const [i, { address }] of VALIDATORS.entries()) {
    const judged = i === 0 ? ids : few
    const commitments: Hex[] = judged.map((id) => judgementCommitment(address, judgement(id)))
    const sent = world.send(address, pool, 'commit', [judged, commitments])
    await (i === 0 ? record(pool, 'commit', sent, BATCH) : sent)
  }
  await world.warp(101)
  const reveal = world.send(ALICE, pool, 'reveal', [ids.map((id) => judgement(id))])
  await record(pool, 'reveal', reveal, BATCH)
  await revealAll(world, VALIDATORS.slice(1), few)
  await world.warp(101)
  const rows = few.flatMap((taskId) =>
    VALIDATORS.map(({ address }) => ({ taskId, validator: address, score: 800_000, reward: 150n, penalty: 1n })),
  )
  const settle = world.send(OPERATOR, pool, 'settle', [1n, few, rows, hashOf('settlement')])
  await record(pool, `settle (${few.length} tasks)`, settle, rows.length)
  const accounts = SIGNERS.slice(0, 10).map(({ address }) => address)
  const update = [accounts, 'support', accounts.map(() => 800_000), accounts.map(() => 2)] as const
  await record(pool, 'updateReputation', world.send(OPERATOR, pool, 'updateReputation', update), accounts.length)
  await record(pool, 'withdrawRewards', world.send(ALICE, pool, 'withdrawRewards', []))
  await world.send(BOB, pool, 'unstake', [ETHER])
  await openRound(world, modelId, versionId)
}

async function market(world: World, record: Record, versionId: bigint) {
  const at = 'InferenceMarket'
  const register = [versionId, 'https://models.example/v1', 30n, 60n] as const
  await record(at, 'registerEndpoint', world.send(HOST, at, 'registerEndpoint', register))
  await record(at, 'setPrice', world.send(HOST, at, 'setPrice', [1n, 20n, 40n]))
  const own = channelOf()
  const config = channelConfig(marketPlace(world), own)
  await record(at, 'deposit', world.send(CONSUMER, at, 'deposit', [1n, config, ETHER]))
  const channels = Array.from({ length: BATCH }, (_, i) => channelOf({ salt: toHex(i + 1, { size: 32 }) }))
  for (const channel of channels) await depositCredit(world, channel, ETHER)
  const redemptions = await Promise.all(channels.map((channel) => redemption(world, channel, 100n)))
  await record(at, 'redeem', world.send(HOST, at, 'redeem', [redemptions]), BATCH)
  await record(at, 'redeem, repeated: each fails', world.send(HOST, at, 'redeem', [redemptions]), BATCH)
  await record(at, 'requestWithdrawal', world.send(CONSUMER, at, 'requestWithdrawal', [config, ETHER]))
  await world.warp(301)
  await record(at, 'withdraw', world.send(CONSUMER, at, 'withdraw', [config]))
}

async function rewards(world: World, record: Record) {
  const at = 'RewardDistributor'
  await record(at, 'fund, the first of an epoch', world.send(STRANGER, at, 'fund', [1_000n]))
  const epoch = await fundEpoch(world, 1_000n)
  const grants = Array.from(
    { length: LEAVES },
    (_, i) => [SIGNERS[i]?.address ?? toHex(i + 1_000, { size: 20 }), 1n] as const,
  )
  for (let earlier = 1n; earlier < epoch; earlier++)
    await world.send(OPERATOR, at, 'publish', await publicationOf(world, earlier, zeroHash, 0n))
  const tree = treeOf(world, epoch, grants)
  const publish = await publicationOf(world, epoch, tree.root, 1_000n)
  await record(at, 'publish', world.send(OPERATOR, at, 'publish', publish))
  await world.warp(501)
  const claim = (i: number) =>
    world.send(STRANGER, at, 'claim', [epoch, must(tree.leaves[i]).account, 1n, tree.proof(i)])
  await record(at, `claim, the first (${LEAVES} leaves)`, claim(4))
  await record(at, `claim (${LEAVES} leaves)`, claim(5))
  const bonded = await fundEpoch(world, 1n)
  await mineUntil(world, (await world.read(at, 'endOf', [bonded])) + BigInt(SETTINGS.epochLength) + 1n)
  const publishWithBond = await publicationOf(world, bonded, hashOf('root'), 1n)
  await record(at, 'publish, with a bond', world.send(STRANGER, at, 'publish', publishWithBond))
  await world.warp(501)
  await record(at, 'returnBond', world.send(STRANGER, at, 'returnBond', [bonded]))
}
