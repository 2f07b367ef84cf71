import { ApiError } from '../errors.ts'

/** @throws ApiError unless this installation answers for the endpoint: nobody else can redeem its fees (amendment 7a). */
export function requireHosted(hosts: readonly string[], { id, host }: { id: string; host: string }): void {
  if (hosts.includes(host.toLowerCase())) return
  throw new ApiError(
    'NOT_HOSTED_HERE',
    `Endpoint ${id} belongs to the host ${host}, whom this API does not serve. Send the request to the endpoint’s own URL: query \`endpoint(id: "${id}") { url }\`. If that is this API, nobody answers for the endpoint: ${hosts.length > 0 ? `call one whose host is ${hosts.join(' or ')}` : 'this API answers for no host'}. Who runs it can add the host to HOST_ADDRESSES, with a worker that has its key.`,
  )
}
