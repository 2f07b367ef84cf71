import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPublicClient, createWalletClient, http } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { type Anvil, type AnvilOptions, DEV_MNEMONIC, passTime, rpc, startAnvil, stopStaleAnvil } from './anvil.ts'
import { deployAll } from './deploy.ts'
import { DEMO_SETTINGS, demoHolders } from './settings.ts'

const GENESIS = 1_800_000_000
type Block = { number: string; hash: string; parentHash: string; timestamp: string }

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chain-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function start(options: AnvilOptions = {}): Promise<Anvil> {
  const anvil = await startAnvil(options)
  onTestFinished(() => anvil.stop())
  return anvil
}
const block = async (anvil: Anvil, number = 'latest') =>
  (await rpc(anvil.url, 'eth_getBlockByNumber', [number, false])) as Block

async function deploy(anvil: Anvil) {
  const account = mnemonicToAccount(DEV_MNEMONIC)
  const transport = http(anvil.url)
  const wallet = createWalletClient({ account, transport })
  const client = createPublicClient({ transport, pollingInterval: 10 })
  return deployAll(wallet, client, demoHolders(account.address), DEMO_SETTINGS)
}

test('the same transactions after the same genesis give the same blocks', async () => {
  const heads: string[] = []
  for (let round = 0; round < 2; round++) {
    const anvil = await start({ genesisTimestamp: GENESIS, blockInterval: 2 })
    await deploy(anvil)
    expect(Number((await block(anvil)).timestamp)).toBe(GENESIS + 2 * 12)
    heads.push((await block(anvil)).hash)
    await anvil.stop()
  }
  expect(heads[0]).toBe(heads[1])
})

test('a second start continues the chain, its contracts and its clock', async () => {
  const options = { genesisTimestamp: GENESIS, blockInterval: 2, stateFile: join(folder, 'state', 'chain.json') }
  const first = await start(options)
  const { addresses } = await deploy(first)
  await passTime(first.url, 1_000)
  const head = await block(first)
  await first.stop()
  const second = await start(options)
  expect(await block(second)).toMatchObject({ hash: head.hash })
  expect(await rpc(second.url, 'eth_getCode', [addresses.ModelRegistry, 'latest'])).not.toBe('0x')
  const logs = (await rpc(second.url, 'eth_getLogs', [{ fromBlock: '0x0' }])) as unknown[]
  expect(logs.length).toBeGreaterThan(10)
  await rpc(second.url, 'evm_mine')
  const next = await block(second)
  expect(next.parentHash).toBe(head.hash)
  expect(Number(next.timestamp) - Number(head.timestamp)).toBe(2)
})

test('with the wall clock, a chain whose time is ahead continues from its last block', async () => {
  const options = { stateFile: join(folder, 'chain.json') }
  const first = await start(options)
  await passTime(first.url, 100_000)
  const head = await block(first)
  await first.stop()
  const second = await start(options)
  await rpc(second.url, 'evm_mine')
  expect(Number((await block(second)).timestamp)).toBeGreaterThan(Number(head.timestamp))
})

test('a reorganisation of 30 blocks keeps the contracts’ code', async () => {
  const anvil = await start()
  const { addresses } = await deploy(anvil)
  await rpc(anvil.url, 'anvil_mine', ['0x100'])
  await rpc(anvil.url, 'anvil_reorg', [30, []])
  expect(await rpc(anvil.url, 'eth_getCode', [addresses.ModelGovernor, 'latest'])).not.toBe('0x')
})

test('the finalised block is two behind', async () => {
  const anvil = await start()
  await rpc(anvil.url, 'anvil_mine', ['0x10'])
  expect(Number((await block(anvil, 'finalized')).number)).toBe(14)
})

test('an orphaned server is ended by the next start, which keeps its state', async () => {
  const options = { stateFile: join(folder, 'chain.json'), pidFile: join(folder, 'chain.pid') }
  const orphan = await start(options)
  await rpc(orphan.url, 'anvil_mine', ['0x5'])
  expect(readFileSync(options.pidFile, 'utf8')).toBe(`${orphan.pid}\n`)
  const next = await start(options)
  await orphan.exited
  expect(Number((await block(next)).number)).toBe(5)
  await next.stop()
  expect(existsSync(options.pidFile)).toBe(false)
})

test('a process id that another program has now is left alone', async () => {
  const pidFile = join(folder, 'chain.pid')
  writeFileSync(pidFile, `${process.pid}\n`)
  expect(await stopStaleAnvil(pidFile)).toBe(false)
  writeFileSync(pidFile, 'nonsense')
  expect(await stopStaleAnvil(pidFile)).toBe(false)
})

test('a port in use is an error that names it', async () => {
  const { port } = await start()
  await expect(startAnvil({ port })).rejects.toThrow(`Port ${port} is in use`)
})

test('an invalid state file is an error in anvil’s words', async () => {
  const stateFile = join(folder, 'chain.json')
  writeFileSync(stateFile, 'no chain')
  await expect(startAnvil({ stateFile })).rejects.toThrow('anvil did not start')
})
