import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { bytesToHex, encodeFunctionData, parseAbi } from 'viem'
import { expect, onTestFinished, test } from 'vitest'
import { devAccount } from '#contracts/anvil.ts'
import { testChain } from '#indexer/test/chain.ts'
import { faultyNode, type NodeFault } from '#indexer/test/faultyNode.ts'
import { must } from '#test/must.ts'
import { temporaryFolder } from '#workers/test/testWorker.ts'
import { writeDeployment } from './deployment.ts'

const WATCHER = 5
const FALSE_ROOT = `0x${'a'.repeat(64)}`

/** A chain where a stranger publishes false maps, and a watcher with the bond of one dispute. */
async function falseMaps() {
  const chain = await testChain()
  const { deployment } = chain
  const folder = await temporaryFolder()
  await writeDeployment(join(folder, 'deployment.json'), deployment)
  await chain.send(0, 'GOpen', 'deposit', [], 100n)
  await chain.send(0, 'GOpen', 'approve', [deployment.addresses.RewardDistributor, 100n])
  await chain.send(WATCHER, 'GOpen', 'deposit', [], deployment.settings.minDisputeBond)
  const publishFalseMap = async (epoch: bigint) => {
    await chain.send(0, 'RewardDistributor', 'fund', [1n])
    await chain.call('anvil_mine', `0x${deployment.settings.epochLength.toString(16)}`)
    const end = await chain.read('RewardDistributor', 'endOf', [epoch])
    const { hash } = (await chain.call('eth_getBlockByNumber', `0x${BigInt(end as bigint).toString(16)}`, false)) as {
      hash: string
    }
    await chain.send(0, 'RewardDistributor', 'publish', [epoch, hash, FALSE_ROOT, 1n, 'nowhere', FALSE_ROOT])
  }
  const env = {
    ...process.env,
    DEPLOYMENT: join(folder, 'deployment.json'),
    MODELCOMMONS_HOME: folder,
    WATCHER_KEY: bytesToHex(must(devAccount(WATCHER).getHdKey().privateKey)),
  }
  const startWatch = (rpcUrl = chain.url) => {
    const args = ['bin/modelcommons.js', 'watch', '--interval', '0.1']
    const child = spawn(process.execPath, args, { env: { ...env, RPC_URL: rpcUrl } })
    onTestFinished(() => void child.kill('SIGKILL'))
    return child
  }
  return { chain, deployment, publishFalseMap, startWatch }
}

/** What a watcher prints until it prints `last`. */
async function outputUntil(child: ReturnType<typeof spawn>, last: string): Promise<string> {
  let output = ''
  child.stderr?.on('data', (text) => (output += text))
  child.stdout?.on('data', (text) => {
    output += text
    if (output.includes(last)) child.kill('SIGTERM')
  })
  setTimeout(() => child.kill('SIGKILL'), 250_000).unref()
  await once(child, 'close')
  return output
}

test('watch tells once that a map is wrong, and disputes it once', async () => {
  const { publishFalseMap, startWatch } = await falseMaps()
  await publishFalseMap(1n)
  const child = startWatch()
  let output = ''
  child.stderr.on('data', (text) => (output += text))
  child.stdout.on('data', (text) => {
    output += text
    if (String(text).includes('dispute 1 is open')) void publishFalseMap(2n)
    if (String(text).includes('Epoch 2:')) child.kill('SIGTERM')
  })
  await once(child, 'close')
  const told = output.split('\n').filter((line) => line.startsWith('Epoch 1:'))
  expect(told, output).toEqual([
    expect.stringContaining('is WRONG at the document of the map'),
    'Epoch 1: dispute 1 is open.',
  ])
})

test('a false map whose dispute costs more than the watcher has does not keep it from disputing another', async () => {
  const { chain, deployment, publishFalseMap, startWatch } = await falseMaps()
  const { addresses, settings } = deployment
  const timelock = addresses.TimelockController
  await publishFalseMap(1n)
  await publishFalseMap(2n)
  await chain.send(6, 'GOpen', 'deposit', [], settings.minDisputeBond)
  await chain.send(6, 'GOpen', 'approve', [addresses.Disputes, settings.minDisputeBond])
  await chain.send(6, 'Disputes', 'open', [3, 1n, FALSE_ROOT])
  const abi = parseAbi(['function resolve(uint256 disputeId, bool upheld, uint256 slashAmount)'])
  await chain.call('anvil_impersonateAccount', timelock)
  await chain.call('anvil_setBalance', timelock, '0xde0b6b3a7640000')
  const data = encodeFunctionData({ abi, functionName: 'resolve', args: [1n, false, 0n] })
  await chain.call('eth_sendTransaction', { from: timelock, to: addresses.Disputes, data })
  const child = startWatch()
  const output = await outputUntil(child, 'dispute 2 is open')
  expect(output).toContain('Epoch 2: dispute 2 is open.')
  expect(output).toContain('Epoch 1 cannot be disputed: the bond is')
})

test('a watcher whose node fails while it disputes says so, goes on, and disputes', async () => {
  const { chain, deployment, publishFalseMap, startWatch } = await falseMaps()
  await publishFalseMap(1n)
  const node = await faultyNode(chain.url)
  const disputes = deployment.addresses.Disputes.toLowerCase()
  const faults: NodeFault[] = ['hangUp', { result: '0x' }, { error: { code: -32_603, message: 'internal error' } }]
  let failed = 0
  node.fault = ({ method, params }) => {
    if (method !== 'eth_call') return undefined
    const [{ to }] = params as [{ to?: string }]
    return to?.toLowerCase() === disputes ? faults[failed++] : undefined
  }
  const child = startWatch(node.url)
  const output = await outputUntil(child, 'dispute 1 is open')
  expect(output).toContain('Epoch 1: dispute 1 is open.')
  expect(failed).toBeGreaterThan(faults.length)
})
