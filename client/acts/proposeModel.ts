import { formatEther, type Hex } from 'viem'
import type { CanonicalValue } from '#rules/canonicalJson.ts'
import { Act } from '../act.ts'
import type { WriteArgs } from '../chain/contracts.ts'
import { eventOf } from '../chain/minedTransaction.ts'
import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'
import { allowTransfer } from './allowTransfer.ts'
import { proposeActions } from './governor.ts'

type ContractTerms = WriteArgs<'ModelRegistry', 'propose'>[2]
type ContractTarget = ContractTerms['targets'][number]

/** A minimum for a metric's lower confidence bound, ppm. A version that is significantly worse at it than the live one is promoted only if
 *  it `mayFall` (default: false). */
export type MandateTarget = Omit<ContractTarget, 'mayFall'> & Partial<Pick<ContractTarget, 'mayFall'>>

/** The terms of a mandate: budget, rubric, deadline, targets and split, as in `ModelRegistry.propose`. */
export type MandateTerms = Omit<ContractTerms, 'targets'> & { targets: readonly MandateTarget[] }

export interface ModelProposal {
  /** The name of the specification, which is published. */
  specHash: `0x${string}`
  terms: MandateTerms
  /** In wei of gOPEN. Default: the minimum. */
  bond?: bigint
  /** A model of these terms whose bond is locked already, but whose vote is not open: then only this is done. */
  begun?: ProposedModel
}

export interface ProposedModel {
  modelId: bigint
  proposalId: bigint
}

/**
 * Locks a bond for a model, and opens the vote about its mandate.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { keccak256, stringToBytes } from 'viem'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, listProposals, proposeModel } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 2 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const split = {
 *   ...{ platform: 500, owner: 1500, stakers: 1000, data: 4500, validators: 1500, host: 1500 },
 *   ...{ ancestors: 1000, dataByWeight: 5000, unattributedByWeight: false },
 * }
 * const { modelId, proposalId } = await proposeModel(client, {
 *   specHash: keccak256(stringToBytes('the specification')),
 *   terms: {
 *     ...{ budget: 0n, rubricHash: keccak256(stringToBytes('the rubric')), deadline: 1_900_000_000n, split },
 *     targets: [{ metric: 'accuracy', minimum: 700_000n }],
 *   },
 * })
 * const [, targets] = await client.read('ModelRegistry', 'getModel', [modelId])
 * assert.deepEqual(targets, [{ metric: 'accuracy', minimum: 700_000n, mayFall: false }])
 * assert.ok((await listProposals(client)).some(({ id }) => id === proposalId.toString()))
 * ```
 */
export const proposeModel = (
  client: Client,
  { specHash, terms: given, bond, begun }: ModelProposal,
): Promise<ProposedModel> => {
  const targets = given.targets.map(({ mayFall = false, ...target }) => ({ ...target, mayFall }))
  const terms: ContractTerms = { ...given, targets }
  return Act.run(client, 'propose', { specHash, terms: terms as unknown as CanonicalValue }, async (act) => {
    const proposed = begun ?? (await lockBond(act, specHash, terms, bond))
    const actions = await client.read('ModelRegistry', 'proposalActions', [proposed.modelId])
    const [contracts, values, calldatas, description] = actions
    await proposeActions(act, { targets: contracts, values, calldatas, description })
    return proposed
  })
}

async function lockBond(act: Act, specHash: Hex, terms: ContractTerms, bond?: bigint): Promise<ProposedModel> {
  await requireVotes(act)
  const amount = bond ?? (await act.client.read('ModelRegistry', 'minBond', []))
  const args = [specHash, `artifact:${specHash}`, terms, amount] as const
  const call = { contract: 'ModelRegistry', functionName: 'propose', args } as const
  await allowTransfer(act, 'ModelRegistry', amount, call)
  const mined = await act.send(call)
  const { modelId, proposalId } = eventOf(mined, 'ModelRegistry', 'ModelProposed').args
  return { modelId, proposalId }
}

/** @throws ClientError before a bond is locked for a vote that the account could not open. */
async function requireVotes({ client, account }: Act): Promise<void> {
  const [needed, votes] = await Promise.all([
    client.read('ModelGovernor', 'proposalThreshold', []),
    client.read('GOpen', 'getVotes', [account]),
  ])
  if (votes >= needed) return
  throw new ClientError(
    `Opening a vote takes ${formatEther(needed)} votes, and ${account} has ${formatEther(votes)}. Lock gOPEN and delegate it to yourself first (delegate).`,
  )
}
