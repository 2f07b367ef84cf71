import { type ChildProcess, execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { toHex } from 'viem'
import { expect, onTestFinished, vi } from 'vitest'
import { hashOf, OPERATOR, type World } from '#contracts/test/world.ts'
import type { ApiOptions } from '#graphql/index.ts'
import { testApi } from '#graphql/test/api.ts'
import { checkpointsIn, folderObjects, localStore } from '#schema/artifacts/index.ts'
import { documentBytes } from '#schema/documents.ts'
import { findJob } from '#schema/enqueue.ts'
import { answerJournal } from '#schema/journal/answers.ts'
import { Datanet } from '#schema/onchain/datanets.ts'
import { Endpoint } from '#schema/onchain/market.ts'
import { Mandate, Model, ModelVersion } from '#schema/onchain/models.ts'
import { openQueues } from '#schema/queue.ts'
import { must } from '#test/must.ts'
import { openChainClient } from '#workers/chain.ts'
import { startEnginePool } from '#workers/enginePool.ts'
import { createHandlers } from '#workers/handlers/index.ts'
import { startWorker } from '#workers/index.ts'
import { silent, temporaryFolder } from '#workers/test/testWorker.ts'
import { FAST_TIMING } from '#workers/test/timing.ts'
import { insert, insertAll, insertChain } from './factory.ts'

/** The parts of the system with which bad input is tested, and the state that must not change when it is refused. */

export const MISSING_ARTIFACT = hashOf('an adapter that nobody stored')
export const bytes = (text: string) => new TextEncoder().encode(text)

/** An API on a fresh database and store, with a model whose live version has a missing adapter, and with endpoints for it. */
export async function testSystem(world: World, over: Partial<ApiOptions> = {}) {
  const folder = await temporaryFolder()
  const store = localStore(join(folder, 'artifacts'))
  const host = OPERATOR.address.toLowerCase()
  const api = await testApi({ artifacts: store, deployment: { ...world.deployment, hosts: [host] }, ...over })
  const { db } = api
  const document = (value: unknown) => store.put(documentBytes(value))
  const sealed = await document({ salt: `0x${'5a'.repeat(32)}`, items: [{ prompt: 'p', completion: 'c' }] })
  const rubric = { metrics: [{ name: 'exact', kind: 'exact' }], test: sealed, validation: sealed, maxTokens: 4 }
  const rubricHash = await document(rubric)
  const baseModel = await document({ files: { 'config.json': await store.put(bytes('{}')) } })
  const samples = { description: 'any', completionPattern: '.*', topic: [], maxPromptLength: 100 }
  const specification = { name: 'Clerk', purpose: 'To test.', baseModel, rubric: rubricHash, samples }
  const specHash = await document({ ...specification, licence: 'CC0-1.0', integration: 'none' })
  const hashes = {
    baseModel,
    adapter: MISSING_ARTIFACT,
    datasetRoot: MISSING_ARTIFACT,
    codeHash: MISSING_ARTIFACT,
    sketches: null,
  }
  const run = { modelId: '1', parentVersionId: null, method: 'sft', dataset: [], evidence: [], weights: [] }
  const manifestHash = await document({ ...run, ...hashes, configuration: {}, metrics: {} })
  await insertChain(db, 10)
  await insertAll(db, Model, [
    { id: '1', specHash },
    { id: '2', specHash: await store.put(bytes('{"name": "half a docu')) },
  ])
  await insertAll(db, Mandate, [
    { id: '1', modelId: '1', rubricHash },
    { id: '2', modelId: '2', rubricHash },
  ])
  await insertAll(db, Datanet, [
    { id: '1', modelId: '1' },
    { id: '2', modelId: '2' },
  ])
  const version = { modelId: '1', status: 'Promoted' as const, manifestHash, adapterHash: MISSING_ARTIFACT }
  await insert(db, ModelVersion, { id: '1', ...version })
  await insertAll(
    db,
    Endpoint,
    ['1', '2'].map((id) => ({ id, versionId: '1', host, priceIn: 1000n, priceOut: 2000n })),
  )
  return { ...api, artifacts: store, folder, world }
}
export type TestSystem = Awaited<ReturnType<typeof testSystem>>

/** A worker with all handlers. Its engine starts with the first task, and no test here reaches that. */
export async function startFullWorker({ db, artifacts, folder, world }: TestSystem) {
  const queues = await openQueues({ databaseUrl: db.url })
  const engines = startEnginePool({ device: 'cpu', log: silent })
  const operatorKey = toHex(OPERATOR.getHdKey().privateKey as Uint8Array)
  const { deployment } = world
  const worker = await startWorker({
    db,
    queues,
    artifacts,
    chain: await openChainClient({ rpcUrl: world.anvil.url, deployment, operatorKey, db, log: silent }),
    handlers: createHandlers({
      engines,
      cache: join(folder, 'cache'),
      deployment,
      journal: answerJournal(folderObjects(join(folder, 'artifacts')), [Buffer.alloc(32, 1)]),
    }),
    log: silent,
    slots: { infer: 1, attribute: 1, training: 1, chain: 2, recourse: 1, relay: 0 },
    device: 'cpu',
    checkpoints: join(folder, 'checkpoints'),
    checkpointStore: checkpointsIn(folderObjects(join(folder, 'artifacts'))),
    timing: FAST_TIMING,
  })
  onTestFinished(async () => {
    await worker.stop()
    await engines.close()
    await queues.close()
  })
  return queues
}

/** Waits until a job has failed. */
export const waitForFailure = ({ db }: TestSystem, id: string) =>
  vi.waitFor(
    async () => {
      const job = await findJob(db, id)
      expect(job.status).toBe('Failed')
      return job
    },
    { timeout: 20_000, interval: 20 },
  )

/** The rows of every table, all stored files and the height of the chain, which a refused request must not change. */
export async function systemState({ db, folder, world }: Pick<TestSystem, 'db' | 'world'> & { folder?: string }) {
  const { rows } = await db.query(
    `select tablename as name from pg_tables where schemaname = 'public' and tablename not in ('worker_node', 'migration')`,
  )
  const each = rows.map(
    ({ name }) => `select '${name}' as name, md5(string_agg(t::text, '|' order by t::text)) from "${name}" t`,
  )
  const tables = (await db.query(`${each.join(' union all ')} order by 1`)).rows
  const stored = folder ? await readdir(join(folder, 'artifacts'), { recursive: true }) : []
  return { tables, stored: stored.sort(), block: await world.client.getBlockNumber() }
}

/** Sends a request that must be refused without any change; returns its one error. */
export async function expectRefused(system: TestSystem, query: string, variables: object) {
  const before = await systemState(system)
  const { errors, data } = await system.ask(query, variables)
  expect(Object.values(data ?? {}).every((value) => value === null)).toBe(true)
  expect(errors).toHaveLength(1)
  expect(await systemState(system)).toEqual(before)
  expect(system.logged).toEqual([]) // no internal error
  const { message, extensions } = must(must(errors)[0])
  expect(Object.keys(extensions)).toEqual(['code'])
  expectClearMessage(message)
  return { code: extensions.code, message }
}

/** Checks that a message is readable and has no stack. */
export function expectClearMessage(message: string) {
  expect(message).not.toMatch(/\n\s+at |node_modules|\.ts:\d/)
  expect(message).not.toContain('undefined')
}

/** Runs the program to its end, with only the given environment. */
export async function runProgram(
  command: string,
  env: Record<string, string>,
  args: readonly string[] = [],
  onStart: (child: ChildProcess) => void = () => {},
) {
  const { PATH = '', HOME = '' } = process.env
  return new Promise<{ code: unknown; output: string }>((resolve) => {
    const child = execFile(
      process.execPath,
      ['bin/modelcommons.js', command, ...args],
      { cwd: join(import.meta.dirname, '..'), env: { PATH, HOME, LOG_LEVEL: 'info', ...env }, timeout: 120_000 },
      (error, stdout, stderr) =>
        resolve({
          code: error ? error.code : 0,
          output: `${stdout}${stderr}`.trim(),
        }),
    )
    onStart(child)
  })
}
