import { type EndpointEvents, Endpoints } from './endpoints.ts'
import { httpRpc } from './http.ts'
import type { Rpc } from './rpc.ts'
import type { TransportOptions } from './transport.ts'
import { webSocketRpc } from './websocket.ts'

/** When several endpoints are configured, another one is used sooner. */
const TRIES_OF_SEVERAL = 2

export const endpointsIn = (urls: string) => urls.split(',').map((url) => url.trim())

const openOne = (url: string, options: TransportOptions): Rpc =>
  url.startsWith('ws') ? webSocketRpc(url, options) : httpRpc(url, options)

/** One endpoint, or several as one: a list separated by commas, the preferred one first. */
export function openRpc(urls: string, options: TransportOptions, events?: EndpointEvents): Rpc {
  const endpoints = endpointsIn(urls)
  const [first = '', ...others] = endpoints
  if (!others.length) return openOne(first, options)
  const several = { tries: TRIES_OF_SEVERAL, silentTries: 1, ...options }
  return new Endpoints(
    endpoints.map((url) => openOne(url, several)),
    events,
    options.hedgeMs,
  )
}
