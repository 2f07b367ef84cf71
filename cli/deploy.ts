import { custom } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { ConfigError, readConfig } from '#config'
import { DEMO_SETTINGS, demoHolders } from '#contracts/settings.ts'
import { openRpc } from '#indexer/rpc/open.ts'
import { deployContracts } from './backingServices.ts'
import { writeDeployment } from './deployment.ts'
import { readDeploySettings } from './deploySettings.ts'
import { requireDevelopmentChain } from './developmentChain.ts'

interface DeployOptions {
  out: string
  settings?: string
  demo?: boolean
}

/** `modelcommons deploy`: deploys the contracts to the chain of RPC_URL, with the settings and the role holders of a file. The account of
 *  OPERATOR_KEY pays; it gets no role unless the file names it. With `demo`, a development chain gets the settings of the embedded one. */
export async function deploy({ out, settings: file, demo }: DeployOptions): Promise<void> {
  if (Boolean(file) === Boolean(demo))
    throw new ConfigError('--settings, --demo: name a file of settings, or for a development chain --demo.')
  const { rpcUrl, operatorKey } = readConfig(process.env, { requireDeployment: false })
  if (!rpcUrl) throw new ConfigError('RPC_URL: required to deploy.')
  if (!operatorKey) throw new ConfigError('OPERATOR_KEY: required to deploy: 0x and 64 hex digits.')
  const account = privateKeyToAccount(operatorKey)
  if (demo) await requireDevelopmentChain(rpcUrl, '--demo')
  const { holders, settings } = file
    ? await readDeploySettings(file)
    : { holders: demoHolders(account.address), settings: DEMO_SETTINGS }
  const done = new AbortController()
  try {
    const rpc = openRpc(rpcUrl, { signal: done.signal })
    await rpc.request('eth_chainId') // fails with a clear message when no node answers
    const chain = custom({ request: ({ method, params }) => rpc.request(method, params) })
    const deployment = await deployContracts(chain, account, holders, settings)
    await writeDeployment(out, deployment)
    console.log(`Deployed to chain ${deployment.chainId}; wrote ${out}.`)
    for (const [name, address] of Object.entries(deployment.addresses)) console.log(`  ${name.padEnd(20)} ${address}`)
  } finally {
    done.abort()
  }
}
