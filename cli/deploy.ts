import { custom } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { ConfigError, readConfig } from '#config'
import { openRpc } from '#indexer/rpc/open.ts'
import { deployContracts } from './backingServices.ts'
import { writeDeployment } from './deployment.ts'
import { readDeploySettings } from './deploySettings.ts'

/** `modelcommons deploy`: deploys the contracts to the chain of RPC_URL, with the settings and the role holders of a file. The account of
 *  OPERATOR_KEY pays; it gets no role unless the file names it. */
export async function deploy({ out, settings: file }: { out: string; settings: string }): Promise<void> {
  const { rpcUrl, operatorKey } = readConfig(process.env, { requireDeployment: false })
  if (!rpcUrl) throw new ConfigError('RPC_URL: required to deploy.')
  if (!operatorKey) throw new ConfigError('OPERATOR_KEY: required to deploy: 0x and 64 hex digits.')
  const { holders, settings } = await readDeploySettings(file)
  const account = privateKeyToAccount(operatorKey)
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
