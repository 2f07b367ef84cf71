import { beforeAll, expect, test } from 'vitest'
import { execute, openVote, propose, startVotingWorld } from '#contracts/test/mandate.ts'
import { restoreWorld } from '#contracts/test/restoreWorld.ts'
import { ALICE, GENESIS, HOLDER, hashOf, PROPOSER, STRANGER, type World } from '#contracts/test/world.ts'
import type { Client } from '../client.ts'
import { foreseenBond } from './foreseenBond.ts'

type Model = Awaited<ReturnType<typeof propose>>
const [AGAINST, FOR] = [0, 1]
const DEADLINE = 5_000

let world: World
beforeAll(async () => {
  world = await startVotingWorld()
})
restoreWorld(() => world)

/** Reads the contracts; nothing else of a client is asked for. */
const foreseen = (modelId: bigint) =>
  foreseenBond({ read: world.read.bind(world), node: world.client } as unknown as Client, modelId)

const vote = (voter: { address: `0x${string}` }, { proposalId }: Model, support: number) =>
  world.send(voter.address, 'ModelGovernor', 'castVote', [proposalId, support])
const over = () => world.warp(1_001)

const ENDS: Record<string, { known?: false; play: (model: Model) => Promise<unknown> }> = {
  'no vote was opened yet': { known: false, play: async () => {} },
  'no vote was opened by the deadline': { play: () => world.warp(DEADLINE) },
  'the vote waits': {
    known: false,
    play: ({ actions }) => world.send(PROPOSER, 'ModelGovernor', 'propose', [...actions]),
  },
  'the vote runs': { known: false, play: ({ actions }) => openVote(world, actions) },
  'it was cancelled before its vote': {
    play: async ({ actions }) => {
      const [targets, values, calldatas, description] = actions
      await world.send(PROPOSER, 'ModelGovernor', 'propose', [...actions])
      await world.send(PROPOSER, 'ModelGovernor', 'cancel', [targets, values, calldatas, hashOf(description)])
    },
  },
  'nobody voted': {
    play: async ({ actions }) => {
      await openVote(world, actions)
      await over()
    },
  },
  'others voted it down': {
    play: async (model) => {
      await openVote(world, model.actions)
      await vote(HOLDER, model, AGAINST)
      await over()
    },
  },
  'the proposer alone carried it, and it may still be executed': {
    known: false,
    play: async (model) => {
      await openVote(world, model.actions)
      await vote(PROPOSER, model, FOR)
      await over()
    },
  },
  'the proposer alone carried it, and it expired': {
    play: async (model) => {
      await openVote(world, model.actions)
      await vote(PROPOSER, model, FOR)
      await world.warp(DEADLINE)
    },
  },
  'others carried it, and it waits for its execution': {
    play: async (model) => {
      await openVote(world, model.actions)
      await vote(ALICE, model, FOR)
      await over()
    },
  },
  'the proposer alone carried it into execution': {
    play: async (model) => {
      await openVote(world, model.actions)
      await vote(PROPOSER, model, FOR)
      await over()
      await execute(world, model.actions)
    },
  },
}

test.each(Object.entries(ENDS))(
  'what is foreseen of a bond is what the contract does: %s',
  async (_, { known, play }) => {
    const model = await propose(world, { budget: 0n, deadline: BigInt(GENESIS + DEADLINE) })
    const { modelId } = model
    await play(model)
    const expected = await foreseen(modelId)
    if (known === false) {
      expect(expected).toBe(undefined)
      const { name } = await world.errorOf(STRANGER, 'ModelRegistry', 'resolveBond', [modelId])
      return expect(name).toBe('ModelRegistry.FateUnknown')
    }
    const { events } = await world.send(STRANGER, 'ModelRegistry', 'resolveBond', [modelId])
    const args = (name: string) =>
      events.find((event) => event.name === name)?.args as { amount: bigint; reason: string } | undefined
    expect(expected).toEqual({
      returned: args('BondReturned')?.amount,
      slashed: args('BondSlashed')?.amount ?? 0n,
      reason: args('BondReturned')?.reason,
    })
  },
)
