import type { Address, Hex } from 'viem'
import { zeroAddress } from 'viem'
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
  unattributed: zeroAddress as Address,
}

export const TERMS = {
  budget: 100n * ETHER,
  rubricHash: RUBRIC,
  deadline: DEADLINE,
  targets: [
    { metric: 'accuracy', minimum: 700_000n },
    { metric: 'margin', minimum: -50_000n },
  ],
  split: SPLIT,
}

export type Terms = typeof TERMS
export type Actions = readonly [readonly Address[], readonly bigint[], readonly Hex[], string]

/** A world in which the holder, Alice and Bob vote with what they hold. */
export async function startVotingWorld(): Promise<World> {
  const world = await startWorld()
  await delegate(world)
  for (const { address } of [ALICE, BOB]) await world.send(address, 'GOpen', 'delegate', [address])
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

/** Makes PROPOSER and HOLDER voters of their 1,000 gOPEN each. */
export async function delegate(world: World) {
  for (const { address } of [PROPOSER, HOLDER]) await world.send(address, 'GOpen', 'delegate', [address])
  await world.mine()
}

/** Takes a model from proposal to mandate. The treasury gets the budget first. @returns the model's id */
export async function mandate(world: World, terms: Partial<Terms> = {}): Promise<bigint> {
  const { modelId, proposalId, actions } = await propose(world, terms)
  const budget = terms.budget ?? TERMS.budget
  if (budget !== 0n) await world.send(HOLDER, 'GOpen', 'transfer', [world.at.Treasury, budget])
  await delegate(world)
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
