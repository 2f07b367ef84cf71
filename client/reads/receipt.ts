import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'
import { graphql, type ResultOf } from '../graphql/document.ts'

const RECEIPT = graphql(`
  query ($id: ID!) {
    receipt(id: $id) {
      id endpointId versionId channelId consumer prompt answer tokensIn tokensOut fee cumulative salt hash signature
    }
  }`)

/** A receipt as the API gives it: amounts in wei. What only its consumer may read is null for others. */
export type CallReceipt = NonNullable<ResultOf<typeof RECEIPT>['receipt']>

/**
 * Reads a receipt.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { connect, readReceipt } from '#client/index.ts'
 *
 * const client = await connect('http://127.0.0.1:4000')
 * await assert.rejects(readReceipt(client, '99'), /There is no receipt 99/) // else what was asked, and what it cost
 * ```
 */
export async function readReceipt(client: Client, id: string): Promise<CallReceipt> {
  const { receipt } = await client.ask(RECEIPT, { id })
  if (!receipt) throw new ClientError(`There is no receipt ${id}.`)
  return receipt
}
