import { type BondSettlement, settleBond } from '#rules/bond.ts'
import { proposalStateOf } from '../acts/governor.ts'
import type { Client } from '../client.ts'

/**
 * Reads what `resolveBond` would do with the bond of a model; undefined while its outcome is open.
 * @throws ContractRefusal for an unknown model.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { connect, foreseenBond } from '#client/index.ts'
 *
 * const client = await connect('http://127.0.0.1:4000')
 * await assert.rejects(foreseenBond(client, 99n), /UnknownModel/) // else { returned, slashed, reason }
 * ```
 */
export async function foreseenBond(client: Client, modelId: bigint): Promise<BondSettlement | undefined> {
  const [{ proposer, proposalId, bond, deadline }] = await client.read('ModelRegistry', 'getModel', [modelId])
  const snapshot = await client.read('ModelGovernor', 'proposalSnapshot', [proposalId])
  const late = BigInt(deadline) <= (await client.node.getBlock()).timestamp
  if (snapshot === 0n) return late ? settleBond({ bond, end: 'unproposed', turnout: 0n, quorum: 0n }) : undefined
  const state = await proposalStateOf(client, proposalId)
  if (state === 'Pending' || state === 'Active') return undefined
  // What was queued has an eta, and was voted on.
  if (state === 'Canceled' && (await client.read('ModelGovernor', 'proposalEta', [proposalId])) === 0n)
    return settleBond({ bond, end: 'cancelled', turnout: 0n, quorum: 0n })
  const [votes, own, quorum] = await Promise.all([
    client.read('ModelGovernor', 'proposalVotes', [proposalId]),
    ownVotes(client, proposalId, proposer, snapshot),
    client.read('ModelGovernor', 'quorum', [snapshot]),
  ])
  const turnout = votes.reduce((sum, side) => sum + side, 0n) - own
  const isOpen = state === 'Succeeded' || state === 'Queued'
  if (isOpen && !late && turnout < quorum) return undefined
  return settleBond({ bond, end: isOpen ? 'expired' : 'voted', turnout, quorum })
}

/** What the proposer's own ballot weighed. */
async function ownVotes(
  client: Client,
  proposalId: bigint,
  proposer: `0x${string}`,
  snapshot: bigint,
): Promise<bigint> {
  const voted = await client.read('ModelGovernor', 'hasVoted', [proposalId, proposer])
  return voted ? client.read('ModelGovernor', 'getVotes', [proposer, snapshot]) : 0n
}
