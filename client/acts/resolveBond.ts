import type { Client } from '../client.ts'
import { settleModelBond } from './settleModelBond.ts'

/**
 * Settles a bond as `settleModelBond` does. @returns only what the proposer gets back, in wei.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, resolveBond } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * await assert.rejects(resolveBond(client, 99n), /UnknownModel/) // else what the proposer gets back
 * ```
 */
export const resolveBond = async (client: Client, modelId: bigint): Promise<bigint> =>
  (await settleModelBond(client, modelId)).returned
