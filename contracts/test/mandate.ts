import type { Address, Hex } from 'viem'
import type { HDAccount } from 'viem/accounts'
import type { Settings } from '../settings.ts'
import { ALICE, BOB, ETHER, GENESIS, HOLDER, hashOf, PROPOSER, startWorld, type World } from './world.ts'

export const RUBRIC = hashOf('rubric')
/** A deadline that is late enough for every test. */
export const DEADLINE = BigInt(GENESIS + 10_000_000)

export const SPLIT = {
  platform: 500,
  owner: 1_000,
  stakers: 1_000,
  data: 4_000,
  validators: 2_000,
  host: 2_000,
  ancestors: 1_000,
  dataByWeight: 5_000,
  unattributedByWeight: false,
}

export const TERMS = {
  budget: 100n * ETHER,
  rubricHash: RUBRIC,
  deadline: DEADLINE,
  targets: [
    { metric: 'accuracy', minimum: 700_000n, mayFall: false },
    { metric: 'margin', minimum: -50_000n, mayFall: false },
  ],
  split: SPLIT,
}

export type Terms = typeof TERMS
export type Actions = readonly [readonly Address[], readonly bigint[], readonly Hex[], string]

/** What each voter locks of its 1,000 gOPEN: it alone reaches the quorum. */
export const VOTES = 900n * ETHER

/** A world in which the proposer, the holder, Alice and Bob vote. */
export async function startVotingWorld(settings: Partial<Settings> = {}): Promise<World> {
  const world = await startWorld(settings)
  await lockVotes(world, [PROPOSER, HOLDER, ALICE, BOB])
  return world
}

/** Locks a bond of 10 gOPEN for a model with these terms. @returns its id and actions. */
export async function propose(world: World, terms: Partial<Terms> = {}, bond = 10n * ETHER, from = PROPOSER.address) {
  const { events } = await world.send(from, 'ModelRegistry', 'propose', [
    hashOf('specification'),
    'artifact:specification',
    { ...TERMS, ...terms },
    bond,
  ])
  const event = events.find((one) => one.name === 'ModelProposed')
  if (event?.name !== 'ModelProposed') throw new Error('no ModelProposed')
  const { modelId, proposalId } = event.args
  const actions = (await world.read('ModelRegistry', 'proposalActions', [modelId])) as Actions
  return { modelId, proposalId, actions, events }
}

/** Opens the vote and waits until voting has started. */
export async function openVote(world: World, actions: Actions, from = PROPOSER.address) {
  await world.send(from, 'ModelGovernor', 'propose', [...actions])
  await world.warp(101)
}

/** Queues and executes a proposal that passed. @returns the events of the execution */
export async function execute(world: World, actions: Actions) {
  const [targets, values, calldatas, description] = actions
  const args = [targets, values, calldatas, hashOf(description)] as const
  await world.send(HOLDER, 'ModelGovernor', 'queue', args)
  await world.warp(101)
  return world.send(HOLDER, 'ModelGovernor', 'execute', args)
}

/** Makes accounts voters: each locks what is missing of `VOTES`, delegated to itself. */
export async function lockVotes(world: World, voters: readonly HDAccount[]) {
  for (const { address } of voters) {
    const missing = VOTES - (await world.read('GOpen', 'lockedOf', [address]))
    if (missing > 0n) await world.send(address, 'GOpen', 'lock', [missing])
    await world.send(address, 'GOpen', 'delegate', [address])
  }
  await world.mine()
}

/** Takes a model from proposal to mandate. The treasury gets the budget first. @returns the model's id */
export async function mandate(world: World, terms: Partial<Terms> = {}): Promise<bigint> {
  const { modelId, proposalId, actions } = await propose(world, terms)
  const budget = terms.budget ?? TERMS.budget
  if (budget !== 0n) await world.send(HOLDER, 'GOpen', 'transfer', [world.at.Treasury, budget])
  await lockVotes(world, [PROPOSER, HOLDER])
  await openVote(world, actions)
  await world.send(HOLDER, 'ModelGovernor', 'castVote', [proposalId, 1])
  await world.warp(1_001)
  await execute(world, actions)
  return modelId
}

/** Registers a version of a model. @returns its id */
export async function version(world: World, modelId: bigint, operator: Address, parent = 0n): Promise<bigint> {
  await world.send(operator, 'ModelRegistry', 'registerVersion', [
    modelId,
    parent,
    'lora',
    hashOf('dataset'),
    hashOf('manifest'),
    hashOf('adapter'),
  ])
  return world.read('ModelRegistry', 'versionCount', [])
}

/** Logs an evaluation that meets (or, with a lower bound, misses) every target of `TERMS`. */
export async function evaluate(world: World, versionId: bigint, operator: Address, accuracyLower = 710_000n) {
  const metric = (name: string, lower: bigint) => ({ metric: name, score: lower, lower, upper: lower + 1n, n: 200n })
  await world.send(operator, 'EvaluationRegistry', 'log', [
    versionId,
    RUBRIC,
    [metric('accuracy', accuracyLower), metric('margin', 0n)],
    hashOf('log'),
  ])
}
