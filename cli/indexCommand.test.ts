import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { readConfig } from '#config'
import { startAnvil } from '#contracts/anvil.ts'
import { faultyNode } from '#indexer/test/faultyNode.ts'
import { noisyChain } from '#indexer/test/noise.ts'
import { freePort } from '#schema/postgres.ts'
import { freshDatabaseUrl } from '#test/database.ts'
import { must } from '#test/must.ts'
import { namedChains, writeGovernorFile } from './governors.ts'
import { indexedTargets, indexTargets } from './indexCommand.ts'

test('commands that read an index need no node, those that follow a chain do, and those that sign nothing need no key', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-follow-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const config = join(folder, 'governors.json')
  const governors = [{ address: `0x${'ab'.repeat(20)}`, startBlock: 1 }]
  await writeFile(config, JSON.stringify({ chains: [{ chainId: 10, governors }] }))
  const databaseUrl = await freshDatabaseUrl()
  const bare = readConfig({ DATABASE_URL: databaseUrl }, { requireDeployment: false })
  expect(await indexedTargets({ config }, bare)).toMatchObject([{ databaseUrl, deployment: { chainId: 10 } }])
  await expect(indexTargets({ config }, bare)).rejects.toThrow('chain 10 has no rpcUrl. Add an rpcUrl, or set RPC_URL.')
  const house = { RPC_URL: 'http://127.0.0.1:9', DEPLOYMENT: 'deployment.json' }
  expect(readConfig(house, { signs: false }).operatorKey).toBeUndefined()
  expect(() => readConfig(house)).toThrow('OPERATOR_KEY: required when RPC_URL is set')
})

test('of several endpoints the first that answers gives the chain of a Governor from the command line', async () => {
  const anvil = await startAnvil({ chainId: 10 })
  onTestFinished(() => anvil.stop())
  const named = { governor: `0x${'ab'.repeat(20)}`, startBlock: 1 }
  for (const rpcUrl of [`http://127.0.0.1:9,${anvil.url}`, `http://127.0.0.1:9,${anvil.wsUrl}`])
    expect(await namedChains(named, { rpcUrl })).toMatchObject([{ deployment: { chainId: 10 } }])
  await expect(namedChains(named, { rpcUrl: 'http://127.0.0.1:9,ws://127.0.0.1:9' })).rejects.toThrow(
    'RPC_URL: no node answers there',
  )
})

test('the file that `index --governor` writes selects the same index as its options, which readers need not repeat', async () => {
  const anvil = await startAnvil({ chainId: 10 })
  onTestFinished(() => anvil.stop())
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-governor-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const databaseUrl = await freshDatabaseUrl()
  const config = readConfig({ DATABASE_URL: databaseUrl, RPC_URL: anvil.url }, { requireDeployment: false })
  const governor = `0x${'ab'.repeat(20)}`
  const [target] = await indexTargets({ governor, startBlock: 7, timelock: governor }, config)
  const file = join(folder, 'home', 'governor.json')
  await writeGovernorFile(file, must(target))
  expect(await indexTargets({ config: file }, config)).toEqual([target])
  expect(await indexedTargets({ governor, startBlock: 0 }, config)).toMatchObject([
    { databaseUrl, deployment: { chainId: 10 } },
  ])
})

test('while the node of one chain is away at the start, and after it was refused, the other chain is followed, and metrics and readiness tell it', async () => {
  const { chain } = await noisyChain(2, 71)
  const away = await faultyNode(chain.url)
  await away.down()
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-chains-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const config = join(folder, 'governors.json')
  const { ModelGovernor: address } = chain.deployment.addresses
  const chains = [
    { chainId: 10, rpcUrl: away.url, governors: [{ address, startBlock: 1 }] },
    { chainId: 31_337, rpcUrl: chain.url, governors: [{ address, startBlock: 1 }] },
  ]
  await writeFile(config, JSON.stringify({ chains }))
  const databaseUrl = await freshDatabaseUrl()
  const { PATH = '', HOME = '' } = process.env
  const INDEX_PORT = String(await freePort())
  const own = { MODELCOMMONS_HOME: folder, DATABASE_URL: databaseUrl, LOG_LEVEL: 'error', INDEX_PORT }
  const indexer = spawn(process.execPath, ['bin/modelcommons.js', 'index', '--config', config], {
    env: { PATH, HOME, ...own },
    stdio: 'ignore',
  })
  onTestFinished(async () => {
    if (indexer.exitCode === null && indexer.kill('SIGTERM')) await once(indexer, 'exit')
  })
  const ask = async (path: string) => (await fetch(`http://127.0.0.1:${INDEX_PORT}${path}`)).text()
  const metric = async (name: string, chainId: number) =>
    Number(new RegExp(`^modelcommons_index_${name}{chain="${chainId}"} (\\S+)$`, 'm').exec(await ask('/metrics'))?.[1])
  const within = { timeout: 30_000, interval: 200 }
  await vi.waitFor(async () => expect(await metric('events_total', 31_337)).toBeGreaterThan(0), within)
  await vi.waitFor(async () => expect(await metric('failures_total', 10)).toBeGreaterThan(0), within)
  expect(await metric('active', 31_337)).toBe(1)
  expect(await metric('active', 10)).toBe(0)
  expect(await ask('/ready')).toContain('The indexer of chain 10 is starting: see its log.')

  await away.up() // a node of another chain: that is final for this chain, and for no other
  await vi.waitFor(async () => expect(await ask('/ready')).toContain('The indexer of chain 10 is stopped'), within)
  expect(await metric('active', 31_337)).toBe(1)
  expect(indexer.exitCode).toBeNull()
})

test('an indexer that waits for its node at the start ends with its supervisor', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-orphan-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const config = join(folder, 'governors.json')
  const governors = [{ address: `0x${'ab'.repeat(20)}`, startBlock: 1 }]
  await writeFile(config, JSON.stringify({ chains: [{ chainId: 10, rpcUrl: 'http://127.0.0.1:9', governors }] }))
  const { PATH = '', HOME = '' } = process.env
  const own = { MODELCOMMONS_HOME: folder, DATABASE_URL: await freshDatabaseUrl(), LOG_LEVEL: 'warn' }
  const indexer = fork('bin/modelcommons.js', ['index', '--config', config], {
    env: { PATH, HOME, ...own },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  onTestFinished(() => void indexer.kill('SIGKILL'))
  let logged = ''
  indexer.stderr?.on('data', (chunk) => (logged += chunk))
  await vi.waitFor(() => expect(logged).toContain('The start failed; retrying'), { timeout: 30_000, interval: 100 })
  const ended = once(indexer, 'exit')
  indexer.disconnect()
  await ended
})
