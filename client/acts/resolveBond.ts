import type { BondSettlement } from '#rules/bond.ts'
import { Act } from '../act.ts'
import { eventOf } from '../chain/minedTransaction.ts'
import type { Client } from '../client.ts'

/**
 * Settles the bond of a model whose proposal's outcome is known. Anyone may. @returns what the proposer gets back, what is slashed, and why; in wei.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, resolveBond } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * await assert.rejects(resolveBond(client, 99n), /UnknownModel/) // else { returned, slashed, reason }
 * ```
 */
export const resolveBond = (client: Client, modelId: bigint): Promise<BondSettlement> =>
  Act.run(client, 'resolveBond', { modelId }, async (act) => {
    const mined = await act.send({ contract: 'ModelRegistry', functionName: 'resolveBond', args: [modelId] })
    const { amount: returned, reason } = eventOf(mined, 'ModelRegistry', 'BondReturned').args
    const isSlashed = mined.events?.some(({ name }) => name === 'BondSlashed')
    const slashed = isSlashed ? eventOf(mined, 'ModelRegistry', 'BondSlashed').args.amount : 0n
    return { returned, slashed, reason: reason as BondSettlement['reason'] }
  })
