import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { rpc } from '#contracts/anvil.ts'
import { silent, temporaryFolder } from '#workers/test/testWorker.ts'
import { runEmbeddedChain } from './embeddedChain.ts'

const optionsIn = (folder: string) => ({
  stateFile: join(folder, 'state.json'),
  pidFile: join(folder, 'anvil.pid'),
  genesisTimestamp: 1_760_000_000,
  blockInterval: 1,
})

test('however often it is started, a chain has the same first block', { timeout: 60_000 }, async () => {
  const options = optionsIn(await temporaryFolder())
  const hashes = new Set<string>()
  for (let start = 0; start < 8; start++) {
    const { url, stop } = await runEmbeddedChain(options, silent)
    const { hash } = (await rpc(url, 'eth_getBlockByNumber', ['0x0', false])) as { hash: string }
    hashes.add(hash)
    expect(Number(await rpc(url, 'eth_blockNumber'))).toBe(start)
    await rpc(url, 'evm_mine')
    await stop()
  }
  expect(hashes.size).toBe(1)
})

test('a state that was cut off is named, with what to do', async () => {
  const options = optionsIn(await temporaryFolder())
  await writeFile(options.stateFile, '{"blocks": [')
  await expect(runEmbeddedChain(options, silent)).rejects.toThrow(
    /^MODELCOMMONS_HOME: the state of the embedded chain .* is damaged.* Restore a backup/,
  )
})
