import type { Address } from 'viem'
import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'

/**
 * An API answers only for the endpoints of its own hosts: nobody else could redeem their fees.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { answersFor } from '#client/index.ts'
 *
 * assert.ok(answersFor(['0xAb00000000000000000000000000000000000001'], '0xab00000000000000000000000000000000000001'))
 * ```
 */
export const answersFor = (hosts: readonly string[], host: string): boolean =>
  hosts.some((one) => one.toLowerCase() === host.toLowerCase())

/**
 * The host of an endpoint. @throws ClientError when there is no such endpoint.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { connect, hostOf } from '#client/index.ts'
 *
 * const client = await connect('http://127.0.0.1:4000')
 * await assert.rejects(hostOf(client, 99n), /There is no endpoint 99/) // else its address
 * ```
 */
export async function hostOf(client: Client, endpointId: bigint): Promise<Address> {
  const [host] = await client.read('InferenceMarket', 'endpoints', [endpointId])
  if (BigInt(host) === 0n) throw new ClientError(`There is no endpoint ${endpointId}. Look at the list of endpoints.`)
  return host
}

/**
 * Says that the API refuses calls of a host's endpoints; undefined where it answers them.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { connect, refusalOfCalls } from '#client/index.ts'
 *
 * const client = await connect('http://127.0.0.1:4000')
 * assert.match(String(refusalOfCalls(client, '0x00000000000000000000000000000000000000aa')), /does not answer for the host/)
 * ```
 */
export function refusalOfCalls({ url, deployment: { hosts } }: Client, host: string): string | undefined {
  if (answersFor(hosts, host)) return undefined
  return `The API at ${url} does not answer for the host ${host}: it refuses calls of its endpoints. It answers for ${hosts.join(', ') || 'no host'}.`
}
