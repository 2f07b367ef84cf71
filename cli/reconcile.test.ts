import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { readConfig } from '#config'
import { testApi } from '#graphql/test/api.ts'
import { startIndexer } from '#indexer/index.ts'
import { testChain } from '#indexer/test/chain.ts'
import { noise, prepareNoise, seededInts } from '#indexer/test/noise.ts'
import { openDatabase } from '#schema/database.ts'
import { freePort } from '#schema/postgres.ts'
import { freshDatabaseUrl } from '#test/database.ts'
import { insertChain } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { runProgram } from '#test/testSystem.ts'
import { openApiMetrics } from './apiMetrics.ts'
import { writeDeployment } from './deployment.ts'
import { indexTargets } from './indexCommand.ts'
import { serveStatus } from './statusServer.ts'

/** The indexer in its own process with a dead first endpoint, the API on its database, and the command-line programs. */
async function running() {
  const chain = await testChain()
  await prepareNoise(chain)
  const next = seededInts(31)
  for (let i = 0; i < 25; i++) await noise(chain, next)
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-reconcile-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'deployment.json')
  await writeDeployment(file, chain.deployment)
  const INDEX_PORT = String(await freePort())
  const { PATH = '', HOME = '' } = process.env
  const env = {
    MODELCOMMONS_HOME: folder,
    DATABASE_URL: await freshDatabaseUrl(),
    RPC_URL: `http://127.0.0.1:9,${chain.url}`,
    DEPLOYMENT: file,
    CONFIRMATIONS: '1',
    RECONCILE_SECONDS: '1',
    LOG_LEVEL: 'warn',
  }
  const indexer = spawn(process.execPath, ['bin/modelcommons.js', 'index'], {
    env: { PATH, HOME, ...env, INDEX_PORT, LOG_LEVEL: 'error' },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  onTestFinished(async () => {
    if (indexer.exitCode === null && indexer.kill('SIGTERM')) await once(indexer, 'exit')
  })
  const db = await openDatabase(env.DATABASE_URL)
  onTestFinished(() => db.close())
  const registry = openApiMetrics(db, { home: folder })
  const api = await testApi({ db, registry })
  const config = readConfig({ API_METRICS_PORT: '0' })
  const status = await serveStatus(config, 'API_METRICS_PORT', { registry, ready: api.ready })
  onTestFinished(status.close)
  return { db, env, chain, api: status.url as string, indexer: `http://127.0.0.1:${INDEX_PORT}`, ask: api.ask }
}

const metrics = async (url: string) => (await fetch(`${url}/metrics`)).text()
const shown = (text: string, name: string) => Number(new RegExp(`^${name}(?:{.*})? (\\S+)$`, 'm').exec(text)?.[1])

const WITHIN = { timeout: 60_000, interval: 200 }

test('drift is reported by the program, as a metric, in GraphQL and by the doctor; an endpoint’s failures are counted', async () => {
  const { db, env, chain, api, indexer, ask } = await running()
  const head = await chain.head()
  await vi.waitFor(
    async () => expect(shown(await metrics(api), 'modelcommons_index_compared_block')).toBe(head - 1),
    WITHIN,
  )
  const well = await metrics(api)
  expect(shown(well, 'modelcommons_index_drift')).toBe(0)
  expect(shown(well, 'modelcommons_index_compared')).toBeGreaterThan(10)
  const counted = await metrics(indexer)
  expect(shown(counted, 'modelcommons_index_failovers_total')).toBeGreaterThan(0)
  expect(shown(counted, 'modelcommons_index_disagreements_total')).toBe(0)
  expect(counted).toContain(`chain="${chain.deployment.chainId}"`)
  expect(await runProgram('reconcile', env)).toEqual({
    code: 0,
    output: expect.stringMatching(/: 0 of \d+ values differ$/),
  })

  const [{ account, balance }] = (await db.query('select account, balance from holder where to_block is null limit 1'))
    .rows
  await db.query('update holder set balance = balance + 1 where to_block is null and account = $1', [account])
  const told = await runProgram('reconcile', env, ['--samples', '1000', '--seed', 'any'])
  expect(told).toEqual({
    code: 1,
    output: expect.stringMatching(
      new RegExp(
        `: 1 of \\d+ values differ \\(1 balance\\)\n  balance of ${account}: ${balance + 1n} in the index, ${balance} on chain`,
      ),
    ),
  })
  await vi.waitFor(async () => expect(shown(await metrics(api), 'modelcommons_index_drift')).toBe(1), WITHIN)
  const { data } = await ask('{ governors { nodes { reconciled { drift findings } } } }')
  expect(data.governors.nodes[0].reconciled).toMatchObject({
    drift: 1,
    findings: [{ what: 'balance', subject: account }],
  })
  const { DATABASE_URL, MODELCOMMONS_HOME } = env
  expect((await runProgram('doctor', { DATABASE_URL, MODELCOMMONS_HOME, PORT: '0' })).output).toMatch(
    /✗ index +1 of \d+ values of 0x\w+ differ from the contracts’ at block \d+: `modelcommons reconcile` lists them/,
  )
})

test('of several chains, one that cannot be compared is told, and keeps none of the others from it', async () => {
  const chain = await testChain()
  for (let i = 0; i < 2; i++) await chain.send(1, 'GOpen', 'deposit', [], 5n)
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-chains-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const config = join(folder, 'governors.json')
  const governors = [{ address: chain.deployment.addresses.ModelGovernor, startBlock: 1 }]
  const { chainId } = chain.deployment
  const chains = [
    { chainId: 10, rpcUrl: 'http://127.0.0.1:9', governors },
    { chainId, rpcUrl: chain.url, governors },
  ]
  await writeFile(config, JSON.stringify({ chains }))
  const env = { MODELCOMMONS_HOME: folder, DATABASE_URL: await freshDatabaseUrl(), LOG_LEVEL: 'error' }
  const [away, good] = await indexTargets({ config }, readConfig(env, { requireDeployment: false }))
  const awayDb = await openDatabase(must(away).databaseUrl)
  await insertChain(awayDb, 5)
  await awayDb.close()
  const { databaseUrl, rpcUrl, deployment } = must(good)
  const db = await openDatabase(databaseUrl)
  const stop = new AbortController()
  const indexer = await startIndexer({ db, rpcUrl, deployment, confirmations: 1, signal: stop.signal })
  await indexer.caughtUp()
  stop.abort()
  await indexer.stopped
  await db.close()
  const { code, output } = await runProgram('reconcile', env, ['--config', config])
  expect(output).toMatch(/^Chain 10 could not be compared: .*127\.0\.0\.1:9 does not answer/m)
  expect(output).toMatch(/: 0 of \d+ values differ$/m)
  expect(code).toBe(1)
})
