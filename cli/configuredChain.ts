import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bytesToHex, type Hex } from 'viem'
import { type Config, ConfigError } from '#config'
import { devAccount, rpc } from '#contracts/anvil.ts'
import { type DeploymentFile, readDeployment } from './deployment.ts'

/** The account of the embedded chain that the services act with. */
export const embeddedOperator = () => devAccount(0)

/** The files of the embedded chain in a home folder. `urlFile` exists while `modelcommons up` runs it. */
export function embeddedChainFiles(home: string) {
  const folder = join(home, 'chain')
  return {
    stateFile: join(folder, 'state.json'),
    deploymentFile: join(folder, 'deployment.json'),
    pidFile: join(folder, 'anvil.pid'),
    urlFile: join(folder, 'url'),
  }
}

/** Lets other commands find the embedded chain. @returns how to withdraw it. */
export async function announceChain(home: string, url: string): Promise<() => Promise<void>> {
  const { urlFile } = embeddedChainFiles(home)
  await writeFile(urlFile, `${url}\n`)
  return () => rm(urlFile, { force: true })
}

/** The URL of the embedded chain of a home, while `modelcommons up` runs it. */
export async function runningEmbeddedChain(home: string): Promise<string | undefined> {
  const url = (await readFile(embeddedChainFiles(home).urlFile, 'utf8').catch(() => '')).trim()
  return url && (await rpc(url, 'eth_chainId').catch(() => undefined)) !== undefined ? url : undefined
}

/** The key that the services act with on the embedded chain: one of those that everybody knows. */
export const embeddedOperatorKey = (): Hex => bytesToHex(embeddedOperator().getHdKey().privateKey as Uint8Array)

/** The chain that the configuration names, or else the embedded chain of its home, while `modelcommons up` runs it. `rpcUrls` may be several
 *  URLs, separated by commas. @throws ConfigError when there is neither. */
export async function configuredChain(
  config: Pick<Config, 'home' | 'rpcUrl' | 'rpcUrls' | 'deployment'>,
): Promise<{ rpcUrl: string; rpcUrls: string; deployment: DeploymentFile }> {
  const { home, rpcUrl, rpcUrls } = config
  if (rpcUrl && rpcUrls) return { rpcUrl, rpcUrls, deployment: await readDeployment(config.deployment as string) }
  const url = await runningEmbeddedChain(home)
  if (!url)
    throw new ConfigError(
      `RPC_URL: no chain is configured, and none runs for ${home}. Start \`modelcommons up\` first, or set RPC_URL and DEPLOYMENT.`,
    )
  return { rpcUrl: url, rpcUrls: url, deployment: await readDeployment(embeddedChainFiles(home).deploymentFile) }
}
