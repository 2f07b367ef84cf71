import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readConfig } from '#config'
import { startAnvil } from '#contracts/anvil.ts'
import { freshDatabaseUrl } from '#test/database.ts'
import { namedChains } from './governors.ts'
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
