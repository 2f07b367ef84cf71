import type { CanonicalValue } from '#rules/canonicalJson.ts'
import { Act } from '../act.ts'
import type { WriteArgs } from '../chain/contracts.ts'
import { eventOf } from '../chain/minedTransaction.ts'
import type { Client } from '../client.ts'
import { proposeActions } from './governor.ts'
import { allowTransfer } from './tokens.ts'

/** The terms of a mandate: budget, rubric, deadline, targets and split, as in `ModelRegistry.propose`. */
export type MandateTerms = WriteArgs<'ModelRegistry', 'propose'>[2]

export interface ModelProposal {
  /** The name of the specification, which is published. */
  specHash: `0x${string}`
  terms: MandateTerms
  /** In wei of gOPEN. Default: the minimum. */
  bond?: bigint
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
 * const { proposalId } = await proposeModel(client, {
 *   specHash: keccak256(stringToBytes('the specification')),
 *   terms: {
 *     ...{ budget: 0n, rubricHash: keccak256(stringToBytes('the rubric')), deadline: 1_900_000_000n, split },
 *     targets: [{ metric: 'accuracy', minimum: 700_000n }],
 *   },
 * })
 * assert.ok((await listProposals(client)).some(({ id }) => id === proposalId.toString()))
 * ```
 */
export const proposeModel = (
  client: Client,
  { specHash, terms, bond }: ModelProposal,
): Promise<{ modelId: bigint; proposalId: bigint }> =>
  Act.run(client, 'propose', { specHash, terms: terms as unknown as CanonicalValue }, async (act) => {
    const amount = bond ?? (await client.read('ModelRegistry', 'minBond', []))
    await allowTransfer(act, 'ModelRegistry', amount)
    const args = [specHash, `artifact:${specHash}`, terms, amount] as const
    const mined = await act.send({ contract: 'ModelRegistry', functionName: 'propose', args })
    const { modelId, proposalId } = eventOf(mined, 'ModelRegistry', 'ModelProposed').args
    const [targets, values, calldatas, description] = await client.read('ModelRegistry', 'proposalActions', [modelId])
    await proposeActions(act, { targets, values, calldatas, description })
    return { modelId, proposalId }
  })
