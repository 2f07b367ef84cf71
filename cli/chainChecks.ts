import { MethodUnsupported, RpcError } from '#indexer/rpc/errors.ts'
import { endpointsIn, openRpc } from '#indexer/rpc/open.ts'
import { type Rpc, redactedUrl } from '#indexer/rpc/rpc.ts'
import { readDeployment } from './deployment.ts'

/** A look at one part: what was found there, or an error that says what to mend. */
export type DoctorCheck = [name: string, run: () => Promise<string>]

interface Endpoint {
  url: string
  chainId: number
}

/** One look at each endpoint of `RPC_URL`, over HTTP or WebSocket, then one at what they say together: one chain, the one on which the
 *  deployment stands. */
export function chainChecks(urls: string, deploymentFile: string): DoctorCheck[] {
  const found: Endpoint[] = []
  const looks = endpointsIn(urls).map(
    (url): DoctorCheck => [
      'endpoint',
      () =>
        asking(url, async (rpc) => {
          const chainId = Number(await rpc.request('eth_chainId'))
          found.push({ url, chainId })
          return `${redactedUrl(url)} answers for chain ${chainId}, block ${Number(await rpc.request('eth_blockNumber'))}`
        }),
    ],
  )
  return [...looks, ['chain', () => oneChain(found, deploymentFile)]]
}

async function oneChain(found: readonly Endpoint[], deploymentFile: string): Promise<string> {
  const { chainId, addresses } = await readDeployment(deploymentFile)
  if (!found.length) throw new Error('RPC_URL: no chain answers there. Start it or correct the URL.')
  const said = new Map(found.map((one) => [one.chainId, found.filter((other) => other.chainId === one.chainId)]))
  if (said.size > 1)
    throw new Error(
      `RPC_URL leads to different chains: ${[...said].map(([id, all]) => `${id} (${shownAll(all)})`).join(', ')}. DEPLOYMENT is for chain ${chainId}: leave the others out.`,
    )
  if (!said.has(chainId))
    throw new Error(`RPC_URL leads to chain ${found[0]!.chainId}; DEPLOYMENT is for chain ${chainId}.`)
  for (const one of found)
    await asking(one.url, async (rpc) => {
      const code = await rpc.request('eth_getCode', [addresses.ModelRegistry, 'latest'])
      if (code === '0x')
        throw new Error(
          `DEPLOYMENT: chain ${chainId} of ${redactedUrl(one.url)} has no contract at ${addresses.ModelRegistry}. Deploy again (modelcommons deploy), or leave that endpoint out.`,
        )
    })
  return `${chainId}, with the contracts of ${deploymentFile}`
}

const shownAll = (some: readonly Endpoint[]) => some.map(({ url }) => redactedUrl(url)).join(', ')

/** Asks one endpoint, and leaves no connection to it behind. */
async function asking<T>(url: string, work: (rpc: Rpc) => Promise<T>): Promise<T> {
  const done = new AbortController()
  try {
    return await work(openRpc(url, { tries: 2, timeoutMs: 10_000, signal: done.signal }))
  } catch (error) {
    if (!(error instanceof RpcError || error instanceof MethodUnsupported)) throw error
    throw new Error(`RPC_URL: ${redactedUrl(url)} is no node that can be used: ${error.message}.`, { cause: error })
  } finally {
    done.abort()
  }
}
