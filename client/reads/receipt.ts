import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'
import { graphql, type ResultOf } from '../graphql/document.ts'
import { everyPage } from './everyPage.ts'

const RECEIPT = graphql(`
  query ($id: ID!) {
    receipt(id: $id) {
      id endpointId versionId channelId consumer requestHash responseHash tokensIn tokensOut fee totalHash hash signature
      attributionDigest attributionSignature countersignature prompt answer cumulative salt
    }
  }`)

const SHARES = graphql(`
  query ($id: ID!, $after: String) {
    answerAttributions(where: { receiptId: { eq: $id } }, first: 1000, after: $after) {
      nodes { contributionId share }
      pageInfo { hasNextPage endCursor }
    }
  }`)

type Share = ResultOf<typeof SHARES>['answerAttributions']['nodes'][number]

/** A receipt as the API gives it, with the chain and the market for which it is signed, and what the answer was traced to: amounts in wei. What only its consumer
 *  may read is null for others. */
export type CallReceipt = NonNullable<ResultOf<typeof RECEIPT>['receipt']> & {
  chainId: number
  market: string
  attributions?: Share[]
}

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
  const { chainId, addresses } = client.deployment
  const signed = { ...receipt, chainId, market: addresses.InferenceMarket }
  if (receipt.attributionDigest === null || receipt.salt === null) return signed
  return {
    ...signed,
    attributions: await everyPage(async (after) => (await client.ask(SHARES, { id, after })).answerAttributions),
  }
}
