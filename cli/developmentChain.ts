import { ConfigError } from '#config'
import { openRpc } from '#indexer/rpc/open.ts'
import { redactedUrl } from '#indexer/rpc/rpc.ts'

/** The chain id of anvil and hardhat. No public chain has it. */
export const DEVELOPMENT_CHAIN = 31_337

/** Programs that mine when they are told to, and whose accounts have money from the start. */
const PROGRAMS = /^(anvil|hardhat)/i

/** @throws ConfigError when the chain at `url` is not one that a person runs to try things: it must not get test money or weak settings. */
export async function requireDevelopmentChain(url: string, asks: string): Promise<void> {
  const done = new AbortController()
  try {
    const rpc = openRpc(url, { tries: 2, timeoutMs: 5_000, signal: done.signal })
    const chainId = Number(await rpc.request('eth_chainId'))
    const program = String(await rpc.request('web3_clientVersion').catch(() => 'an unknown program'))
    if (chainId === DEVELOPMENT_CHAIN && PROGRAMS.test(program)) return
    throw new ConfigError(
      `${asks}: ${redactedUrl(url)} is no development chain (chain ${chainId}, ${program}). Only anvil and hardhat with chain ${DEVELOPMENT_CHAIN} are.`,
    )
  } finally {
    done.abort()
  }
}
