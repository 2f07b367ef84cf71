import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { bytesToHex } from 'viem'
import { expect, onTestFinished, test } from 'vitest'
import { devAccount, testChain } from '#indexer/test/chain.ts'
import { must } from '#test/must.ts'
import { temporaryFolder } from '#workers/test/testWorker.ts'
import { writeDeployment } from './deployment.ts'

const WATCHER = 5
const FALSE_ROOT = `0x${'a'.repeat(64)}`

test('watch tells once that a map is wrong, and disputes it once', async () => {
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
  await publishFalseMap(1n)
  const env = {
    ...process.env,
    RPC_URL: chain.url,
    DEPLOYMENT: join(folder, 'deployment.json'),
    MODELCOMMONS_HOME: folder,
    WATCHER_KEY: bytesToHex(must(devAccount(WATCHER).getHdKey().privateKey)),
  }
  const child = spawn(process.execPath, ['bin/modelcommons.js', 'watch', '--interval', '0.1'], { env })
  onTestFinished(() => void child.kill('SIGKILL'))
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
}, 240_000)
