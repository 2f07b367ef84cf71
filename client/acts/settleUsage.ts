import type { Client } from '../client.ts'
import { graphql } from '../graphql/document.ts'
import { waitForJob } from '../graphql/waitForJob.ts'

const REDEEM = graphql('mutation ($key: String!) { redeem(idempotencyKey: $key) { id } }')

export interface Redeemed {
  /** From how many channels. */
  channels: number
  /** In wei of gOPEN. */
  amount: string
  /** What consumers have no credit for, in wei. */
  owed: string
  failed: { channelId: string; reason: string }[]
}

/**
 * Redeems what consumers owe for the calls that this operator's endpoints have answered. The same key gives the same redemption.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { connect, settleUsage } from '#client/index.ts'
 *
 * const stop = new AbortController()
 * const client = await connect('http://127.0.0.1:4000', { signal: stop.signal })
 * const redeemed = settleUsage(client, 'June') // { channels, amount, owed, failed }, when a worker has redeemed
 * stop.abort(new Error('no worker runs here'))
 * await assert.rejects(redeemed, /no worker runs here/)
 * ```
 */
export async function settleUsage(client: Client, key: string): Promise<Redeemed> {
  const { redeem } = await client.ask(REDEEM, { key })
  return waitForJob<Redeemed>(client, redeem.id, 'settleUsage')
}
