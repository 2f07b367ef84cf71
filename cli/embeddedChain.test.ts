import { readFileSync, statSync } from 'node:fs'
import { readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { rpc } from '#contracts/anvil.ts'
import { dumpFileOf } from '#contracts/chainState.ts'
import { silent, temporaryFolder } from '#workers/test/testWorker.ts'
import { runEmbeddedChain } from './embeddedChain.ts'

const optionsIn = (folder: string) => ({
  stateFile: join(folder, 'state.json'),
  pidFile: join(folder, 'anvil.pid'),
  genesisTimestamp: 1_760_000_000,
  blockInterval: 1,
})

test('however often it is started, a chain has the same first block', async () => {
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

const heightOf = async (url: string) => Number(await rpc(url, 'eth_blockNumber'))

test('a write that a kill cut is told, and costs only what came after the one before', async () => {
  const options = optionsIn(await temporaryFolder())
  const first = await runEmbeddedChain(options, silent)
  await rpc(first.url, 'anvil_mine', ['0x5'])
  await first.stop()
  const state = await readFile(options.stateFile)
  await writeFile(dumpFileOf(options.stateFile), state)
  await truncate(dumpFileOf(options.stateFile), state.length - 1)
  const lines: string[] = []
  const second = await runEmbeddedChain(options, pino({}, { write: (line: string) => void lines.push(line) }))
  expect(await heightOf(second.url)).toBe(5)
  expect(lines.join()).toContain('was killed while it wrote its state')
  await rpc(second.url, 'anvil_mine', ['0x2'])
  await second.stop()
  const third = await runEmbeddedChain(options, silent)
  expect(await heightOf(third.url)).toBe(7)
  await third.stop()
})

test('whenever it is killed, also in the middle of a write, it comes back with a whole state', async () => {
  const options = optionsIn(await temporaryFolder())
  let restarts = 0
  const countRestarts = { write: (line: string) => void (restarts += Number(line.includes('it was restarted'))) }
  const chain = await runEmbeddedChain(options, pino({}, countRestarts))
  onTestFinished(() => chain.stop())
  await rpc(chain.url, 'anvil_mine', ['0x7d0'])
  const dump = dumpFileOf(options.stateFile)
  const size = () => statSync(dump, { throwIfNoEntry: false })?.size ?? 0
  const stateIsWhole = async () =>
    (JSON.parse(await readFile(options.stateFile, 'utf8')).blocks.length as number) > 2_000
  while (!(await stateIsWhole().catch(() => false))) await sleep(100)
  for (let kill = 0; kill < 2; kill++) {
    const pid = Number(readFileSync(options.pidFile, 'utf8'))
    while (size() === 0) await sleep(20)
    const whole = size()
    const before = Date.now()
    while (size() >= whole && Date.now() - before < 10_000) await sleep(0)
    process.kill(pid, 'SIGKILL')
    while (restarts === kill) await sleep(20)
    expect(await heightOf(chain.url)).toBe(2_000)
  }
})

/** The hash of a block as a contract sees it: PUSH4 number, BLOCKHASH, and it is returned. */
const seenByContracts = (url: string, number: number) =>
  rpc(url, 'eth_call', [{ data: `0x63${number.toString(16).padStart(8, '0')}405f5260205ff3` }, 'latest'])

test('after a restart, contracts see the hashes of the blocks before it', async () => {
  const options = { ...optionsIn(await temporaryFolder()), genesisTimestamp: 4_000_000_000 } // ahead of the machine's clock
  const account = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8'
  const first = await runEmbeddedChain(options, silent)
  await rpc(first.url, 'anvil_setCode', [account, '0x5f5ff3'])
  await rpc(first.url, 'anvil_mine', ['0x12c']) // 300
  const head = await rpc(first.url, 'eth_getBlockByNumber', ['latest', false])
  await first.stop()
  const second = await runEmbeddedChain(options, silent)
  onTestFinished(() => second.stop())
  expect(await rpc(second.url, 'eth_getBlockByNumber', ['latest', false])).toEqual(head)
  await rpc(second.url, 'evm_mine')
  const { timestamp } = (await rpc(second.url, 'eth_getBlockByNumber', ['latest', false])) as { timestamp: string }
  expect(Number(timestamp)).toBe(4_000_000_301)
  for (const number of [46, 100, 299, 300]) {
    const { hash } = (await rpc(second.url, 'eth_getBlockByNumber', [`0x${number.toString(16)}`, false])) as {
      hash: string
    }
    expect(await seenByContracts(second.url, number), `block ${number}`).toBe(hash)
  }
  expect(await rpc(second.url, 'eth_getCode', [account, 'latest'])).toBe('0x5f5ff3')
})
