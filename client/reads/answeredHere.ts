import type { Address } from 'viem'
import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'

/** An API answers only for the endpoints of its own hosts: nobody else could redeem their fees. */
export const answersFor = (hosts: readonly string[], host: string): boolean =>
  hosts.some((one) => one.toLowerCase() === host.toLowerCase())

/** The host of an endpoint. @throws ClientError when there is no such endpoint. */
export async function hostOf(client: Client, endpointId: bigint): Promise<Address> {
  const [host] = await client.read('InferenceMarket', 'endpoints', [endpointId])
  if (BigInt(host) === 0n) throw new ClientError(`There is no endpoint ${endpointId}. Look at the list of endpoints.`)
  return host
}

/** Says that the API refuses calls of a host's endpoints; undefined where it answers them. */
export function refusalOfCalls({ url, deployment: { hosts } }: Client, host: string): string | undefined {
  if (answersFor(hosts, host)) return undefined
  return `The API at ${url} does not answer for the host ${host}: it refuses calls of its endpoints. It answers for ${hosts.join(', ') || 'no host'}.`
}
