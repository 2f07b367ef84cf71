import { createPublicClient, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { ConfigError } from '#config'
import { writeDeployment } from './deployment.ts'
import { deployContracts } from './parts.ts'

/** `modelcommons deploy`: puts the contracts on RPC_URL; the account of OPERATOR_KEY pays and becomes the operator. */
export async function deploy({ out }: { out: string }): Promise<void> {
  const { RPC_URL: rpcUrl, OPERATOR_KEY: key } = process.env
  if (!rpcUrl) throw new ConfigError('RPC_URL: required to deploy.')
  if (!key || !/^0x[0-9a-fA-F]{64}$/.test(key))
    throw new ConfigError('OPERATOR_KEY: required to deploy: 0x and 64 hex digits.')
  const account = privateKeyToAccount(key as `0x${string}`)
  const client = createPublicClient({ transport: http(rpcUrl) })
  await client.getChainId().catch((cause) => {
    throw new ConfigError('RPC_URL: no chain answers there. Start it or correct the URL.', { cause })
  })
  const deployment = await deployContracts(rpcUrl, account, account.address)
  await writeDeployment(out, deployment)
  console.log(`Deployed to chain ${deployment.chainId}; wrote ${out}.`)
  for (const [name, address] of Object.entries(deployment.addresses)) console.log(`  ${name.padEnd(20)} ${address}`)
}
