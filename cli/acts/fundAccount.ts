import { createPublicClient, createWalletClient, defineChain, formatEther, http, parseEther } from 'viem'
import { type Config, ConfigError } from '#config'
import { contracts } from '#contracts/events.ts'
import { lastFundedAccount } from '#example/accounts.ts'
import { embeddedChainFiles, runningEmbeddedChain } from '../configuredChain.ts'
import { readDeployment } from '../deployment.ts'
import { DEVELOPMENT_CHAIN, requireDevelopmentChain } from '../developmentChain.ts'

/** Test money of the embedded chain, for whoever tries the system. No other chain gives any. */

/** What an account has at most by this, of native tokens and of gOPEN: more than the example's people have together, so that a newcomer's votes can
 *  reach the quorum. */
const FUNDED_TO = parseEther('10000')

export interface Funded {
  address: `0x${string}`
  /** In tokens. */
  native: string
  gOpen: string
}

/** The embedded chain that runs here. @throws ConfigError when there is none, or another chain is meant. */
export async function requireEmbeddedChain(config: Config): Promise<string> {
  if (config.rpcUrl)
    throw new ConfigError(
      'RPC_URL: only the embedded chain gives test money. Unset RPC_URL, or let an account of that chain send some.',
    )
  const url = await runningEmbeddedChain(config.home)
  if (!url)
    throw new ConfigError(
      `MODELCOMMONS_HOME: no embedded chain runs for ${config.home}. Start \`modelcommons up\` first, with the same MODELCOMMONS_HOME.`,
    )
  await requireDevelopmentChain(url, 'account fund')
  return url
}

const chain = defineChain({
  id: DEVELOPMENT_CHAIN,
  name: 'embedded',
  nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  rpcUrls: { default: { http: [] } },
})

/** Gives an account what it lacks to `FUNDED_TO`, in native tokens for gas and in gOPEN for everything else. */
export async function fundAccount(config: Config, address: `0x${string}`): Promise<Funded> {
  const url = await requireEmbeddedChain(config)
  const { addresses } = await readDeployment(embeddedChainFiles(config.home).deploymentFile)
  const transport = http(url)
  const client = createPublicClient({ transport, pollingInterval: 50, cacheTime: 0 })
  const wallet = createWalletClient({ account: lastFundedAccount(), chain, transport })
  const gOpen = { address: addresses.GOpen, abi: contracts.GOpen.abi } as const
  const done = async (hash: `0x${string}`) => void (await client.waitForTransactionReceipt({ hash }))
  const balances = async () => ({
    native: await client.getBalance({ address }),
    gOpen: await client.readContract({ ...gOpen, functionName: 'balanceOf', args: [address] }),
  })
  const before = await balances()
  if (before.native < FUNDED_TO)
    await done(await wallet.sendTransaction({ to: address, value: FUNDED_TO - before.native }))
  const missing = FUNDED_TO - before.gOpen
  if (missing > 0n) {
    await done(await wallet.writeContract({ ...gOpen, functionName: 'deposit', value: missing }))
    await done(await wallet.writeContract({ ...gOpen, functionName: 'transfer', args: [address, missing] }))
  }
  const after = await balances()
  return { address, native: formatEther(after.native), gOpen: formatEther(after.gOpen) }
}
