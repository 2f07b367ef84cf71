import type { Deployment } from '#contracts/deploy.ts'
import { MethodUnsupported, RpcError } from '#indexer/rpc/errors.ts'
import { endpointsIn, openRpc } from '#indexer/rpc/open.ts'
import { type Rpc, redactedUrl } from '#indexer/rpc/rpc.ts'
import { PermanentError } from '#schema/errors.ts'
import { readDeployment } from './deployment.ts'

/** One check of `modelcommons doctor`: resolves to what was found, or to undefined when an earlier check has told why nothing can be found, or
 *  rejects with an error that says what to fix. */
export type DoctorCheck = [name: string, run: () => Promise<string | undefined>]

interface Endpoint {
  url: string
  chainId: number
}

/** A check of each endpoint of `RPC_URL`, over HTTP or WebSocket, and one that all serve the same chain, on which the contracts are
 *  deployed. All endpoints are asked at once, so that several that hang cost one time-out. Those that answer are added to `answering`. */
export function chainChecks(urls: string, deploymentFile: string, answering: Set<string>): DoctorCheck[] {
  const found: Endpoint[] = []
  const ask = (url: string) =>
    withEndpoint(url, async (rpc) => {
      const chainId = Number(await rpc.request('eth_chainId'))
      const block = Number(await rpc.request('eth_blockNumber'))
      found.push({ url, chainId })
      answering.add(url)
      return `${redactedUrl(url)} answers for chain ${chainId}, block ${block}`
    })
  const all = endpointsIn(urls)
  let asked: Promise<string>[] | undefined
  const askAll = () => {
    const answers = all.map(ask)
    for (const answer of answers) answer.catch(() => {}) // each is told by its own check
    return answers
  }
  const checks = all.map(
    (_, index): DoctorCheck => [
      'endpoint',
      async () => {
        asked ??= askAll()
        return asked[index]
      },
    ],
  )
  const inOrder = () => [...found].sort((a, b) => all.indexOf(a.url) - all.indexOf(b.url))
  return [...checks, ['chain', () => oneChain(inOrder(), deploymentFile)]]
}

async function oneChain(found: readonly Endpoint[], deploymentFile: string): Promise<string> {
  const { chainId, addresses } = await readDeployment(deploymentFile)
  const [first] = found
  if (!first) throw new Error('RPC_URL: no endpoint tells its chain. The lines of the endpoints say why.')
  const byChain = new Map(found.map((one) => [one.chainId, found.filter((other) => other.chainId === one.chainId)]))
  if (byChain.size > 1)
    throw new Error(
      `RPC_URL leads to different chains: ${[...byChain].map(([id, all]) => `${id} (${shownAll(all)})`).join(', ')}. DEPLOYMENT is for chain ${chainId}: remove the others.`,
    )
  if (!byChain.has(chainId))
    throw new Error(`RPC_URL leads to chain ${first.chainId}; DEPLOYMENT is for chain ${chainId}.`)
  for (const one of found) await withEndpoint(one.url, (rpc) => requireContracts(rpc, one.url, { chainId, addresses }))
  return `${chainId}, with the contracts of ${deploymentFile}`
}

async function requireContracts(rpc: Rpc, url: string, { chainId, addresses }: ContractsOnChain): Promise<void> {
  const code = await rpc.request('eth_getCode', [addresses.ModelRegistry, 'latest'])
  if (code === '0x')
    throw new PermanentError(
      `DEPLOYMENT: chain ${chainId} of ${redactedUrl(url)} has no contract at ${addresses.ModelRegistry}. Deploy again (modelcommons deploy), or remove that endpoint.`,
    )
}

type ContractsOnChain = Pick<Deployment, 'chainId' | 'addresses'>

/** @throws Error when the node at `url` does not answer, or does not have the contracts of the deployment. */
export const requireDeployedChain = (url: string, deployment: ContractsOnChain): Promise<void> =>
  withEndpoint(url, async (rpc) => {
    const chainId = Number(await rpc.request('eth_chainId'))
    if (chainId !== deployment.chainId)
      throw new PermanentError(
        `RPC_URL leads to chain ${chainId}, but DEPLOYMENT is for chain ${deployment.chainId}. Correct one of them.`,
      )
    await requireContracts(rpc, url, deployment)
  })

/** The number of the newest block that the node at `url` tells. */
export const blockNumberAt = (url: string): Promise<number> =>
  withEndpoint(url, async (rpc) => Number(await rpc.request('eth_blockNumber')))

/** The native tokens of an account and the price of gas, in wei, as the node at `url` tells. */
export const fundsAt = (url: string, account: string): Promise<{ balance: bigint; gasPrice: bigint }> =>
  withEndpoint(url, async (rpc) => ({
    balance: BigInt(String(await rpc.request('eth_getBalance', [account, 'latest']))),
    gasPrice: BigInt(String(await rpc.request('eth_gasPrice', []))),
  }))

const shownAll = (some: readonly Endpoint[]) => some.map(({ url }) => redactedUrl(url)).join(', ')

/** Runs `work` on one endpoint, and closes its connection. */
async function withEndpoint<T>(url: string, work: (rpc: Rpc) => Promise<T>): Promise<T> {
  const done = new AbortController()
  try {
    return await work(openRpc(url, { tries: 2, timeoutMs: 5_000, signal: done.signal }))
  } catch (error) {
    if (!(error instanceof RpcError || error instanceof MethodUnsupported)) throw error
    throw new Error(`RPC_URL: ${redactedUrl(url)} cannot be used: ${error.message}.`, { cause: error })
  } finally {
    done.abort()
  }
}
