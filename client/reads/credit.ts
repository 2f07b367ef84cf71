import { accountOf } from '../account.ts'
import type { Client } from '../client.ts'
import { graphql } from '../graphql/document.ts'

const CREDIT = graphql(`
  query ($consumer: String!) {
    paymentChannels(where: { consumer: { eq: $consumer } }, first: 1000, orderBy: [{ field: endpointId, direction: asc }]) {
      nodes { id endpointId balance redeemed withdrawing withdrawableAt }
    }
    signedVouchers(where: { consumer: { eq: $consumer } }, first: 1000) { nodes { id used } }
    creditHolds(where: { consumer: { eq: $consumer }, open: { eq: true } }, first: 1000) { nodes { channelId maximum } }
  }`)

/** The account's credit with an endpoint, in wei of gOPEN. */
export interface CreditRow {
  channelId: string
  endpointId: string
  /** On the chain. */
  balance: bigint
  /** For answered calls, and not redeemed yet. Null when the API does not say. */
  owed: bigint | null
  /** For calls that wait to be answered, at most. */
  reserved: bigint
  /** Asked for back, which `withdraw` pays from `withdrawableAt` on. */
  withdrawing: bigint
  withdrawableAt: string | null
}

/**
 * The account’s credit, by endpoint.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, listCredit } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * assert.deepEqual(await listCredit(client), []) // else [{ endpointId, balance, owed, reserved, … }]
 * ```
 */
export async function listCredit(client: Client): Promise<CreditRow[]> {
  const { paymentChannels, signedVouchers, creditHolds } = await client.ask(CREDIT, {
    consumer: accountOf(client).toLowerCase(),
  })
  const vouchers = new Map(signedVouchers.nodes.map(({ id, used }) => [id, used]))
  return paymentChannels.nodes.map(({ id, endpointId, balance, redeemed, withdrawing, withdrawableAt }) => {
    const used = vouchers.has(id) ? vouchers.get(id) : 0
    const owed = used === null || used === undefined ? null : BigInt(used) - BigInt(redeemed)
    const held = creditHolds.nodes.filter(({ channelId }) => channelId === id)
    return {
      ...{ channelId: id, endpointId, balance: BigInt(balance), withdrawing: BigInt(withdrawing), withdrawableAt },
      owed: owed !== null && owed < 0n ? 0n : owed,
      reserved: held.reduce((sum, { maximum }) => sum + BigInt(maximum ?? 0), 0n),
    }
  })
}
