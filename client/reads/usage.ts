import type { Client } from '../client.ts'
import { graphql } from '../graphql/document.ts'

const USAGE = graphql(`
  query ($every: UsagePeriod!, $from: DateTimeISO!, $to: DateTimeISO, $by: [UsageGroup!], $keyId: ID, $endpointId: ID) {
    usage(every: $every, from: $from, to: $to, by: $by, keyId: $keyId, endpointId: $endpointId) {
      time keyId endpointId consumer requests tokensIn tokensOut fees
    }
  }`)

export interface UsageQuestion {
  every: 'hour' | 'day'
  from: Date
  to?: Date
  /** What the usage of a period is divided by. */
  by?: ('key' | 'endpoint' | 'consumer')[]
  keyId?: string
  endpointId?: string
}

/** What answered calls of an hour or a day came to; fees in wei. What it is not divided by is left out. */
export interface UsageRow {
  time: string
  keyId?: string
  endpointId?: string
  consumer?: string
  requests: number
  tokensIn: bigint
  tokensOut: bigint
  fees: bigint
}

/**
 * Usage by hour or day: that of the account of the client’s API key, all for an operator’s.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { connect, listUsage } from '#client/index.ts'
 *
 * const client = await connect('http://127.0.0.1:4000')
 * const from = new Date(Date.now() - 7 * 86_400_000)
 * assert.deepEqual(await listUsage(client, { every: 'day', from, by: ['endpoint'] }), []) // else [{ time, requests, fees, … }]
 * ```
 */
export async function listUsage(client: Client, { from, to, ...question }: UsageQuestion): Promise<UsageRow[]> {
  const { usage } = await client.ask(USAGE, { ...question, from: from.toISOString(), to: to?.toISOString() })
  return usage.map(({ keyId, endpointId, consumer, tokensIn, tokensOut, fees, ...of }) => ({
    ...of,
    ...(keyId !== null && { keyId }),
    ...(endpointId !== null && { endpointId }),
    ...(consumer !== null && { consumer }),
    ...{ tokensIn: BigInt(tokensIn), tokensOut: BigInt(tokensOut), fees: BigInt(fees) },
  }))
}
