import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Hex, toHex } from 'viem'
import { expect, onTestFinished, test } from 'vitest'
import { writeDeployment } from '#cli/deployment.ts'
import { journalKeys } from '#cli/journalKeys.ts'
import { evaluate, execute, lockVotes, openVote, TERMS } from '#contracts/test/mandate.ts'
import { signVoucher } from '#contracts/test/vouchers.ts'
import { CONSUMER, HOLDER, OPERATOR, PROPOSER, startWorld, type World } from '#contracts/test/world.ts'
import { reserveCredit } from '#graphql/commands/credit.ts'
import { startIndexer } from '#indexer/index.ts'
import { until } from '#indexer/test/follow.ts'
import { checkpointsIn, folderObjects, localStore } from '#schema/artifacts/index.ts'
import type { Database } from '#schema/database.ts'
import { documentBytes } from '#schema/documents.ts'
import { enqueue, findJob } from '#schema/enqueue.ts'
import type { InferInput } from '#schema/jobs.ts'
import { answerJournal } from '#schema/journal/answers.ts'
import { openQueues } from '#schema/queue.ts'
import { databaseWith, freshDatabase } from '#test/database.ts'
import { type ChainClient, openChainClient } from '#workers/chain.ts'
import { ChainUnavailableError } from '#workers/chainErrors.ts'
import type { LaneEngines } from '#workers/enginePool.ts'
import { createHandlers } from '#workers/handlers/index.ts'
import { startWorker } from '#workers/index.ts'
import { replayMissingAnswers } from '#workers/replayAnswers.ts'
import { silent } from '#workers/test/testWorker.ts'
import { FAST_TIMING } from '#workers/test/timing.ts'
import { must } from './must.ts'
import { runProgram } from './testSystem.ts'

/** Amendment 7b: whatever copy of the database is restored, no call is answered and no receipt is charged twice. Everything is real except the model,
 *  which counts its answers. */

const OPERATOR_KEY = toHex(OPERATOR.getHdKey().privateKey as Uint8Array)
const PRICE = 1000n
const CREDIT = 10n ** 9n

/** A chain on which the operator hosts an endpoint of a promoted version, with a consumer who has credit there. */
async function servingChain(store: ReturnType<typeof localStore>) {
  const world = await startWorld({ challengeWindow: 1 })
  onTestFinished(() => world.anvil.stop())
  const document = (value: unknown) => store.put(documentBytes(value)) as Promise<Hex>
  const files = await document({ files: { 'config.json': await store.put(Buffer.from('{}')) } })
  const sealed = await document({ salt: 's', items: [{ prompt: 'p', completion: 'c' }] })
  const rubric = { metrics: [{ name: 'accuracy', kind: 'exact' }], test: sealed, validation: sealed, maxTokens: 4 }
  const rubricHash = await document(rubric)
  const samples = { description: 'any', completionPattern: '.*', topic: [], maxPromptLength: 100 }
  const named = { name: 'Clerk', purpose: 'To test.', licence: 'CC0-1.0', integration: 'none' }
  const specHash = await document({ ...named, baseModel: files, rubric: rubricHash, samples })
  const modelId = await mandateOf(world, specHash)
  const hashes = { baseModel: files, adapter: files, datasetRoot: files, codeHash: files, sketches: null }
  const run = { parentVersionId: null, method: 'lora', dataset: [], evidence: [], weights: [] }
  const manifest = { ...run, ...hashes, modelId: String(modelId), configuration: {}, metrics: {} }
  const manifestHash = await document(manifest)
  const registered = ['lora', files, manifestHash, files] as const
  await world.send(OPERATOR, 'ModelRegistry', 'registerVersion', [modelId, 0n, ...registered])
  await evaluate(world, 1n, OPERATOR.address)
  await world.send(OPERATOR, 'ModelRegistry', 'promote', [1n])
  await world.send(OPERATOR, 'InferenceMarket', 'registerEndpoint', [1n, 'https://one.example', PRICE, PRICE])
  await world.send(CONSUMER, 'InferenceMarket', 'deposit', [CONSUMER.address, CREDIT])
  return world
}

async function mandateOf(world: World, specHash: Hex): Promise<bigint> {
  await lockVotes(world, [PROPOSER, HOLDER])
  await world.send(HOLDER, 'GOpen', 'transfer', [world.at.Treasury, TERMS.budget])
  const { events } = await world.send(PROPOSER, 'ModelRegistry', 'propose', [
    specHash,
    'artifact',
    TERMS,
    10n * 10n ** 18n,
  ])
  const proposed = must(events.find((one) => one.name === 'ModelProposed'))
  if (proposed.name !== 'ModelProposed') throw new Error('no ModelProposed')
  const { modelId, proposalId } = proposed.args
  const actions = (await world.read('ModelRegistry', 'proposalActions', [modelId])) as Parameters<typeof openVote>[1]
  await openVote(world, actions)
  await world.send(HOLDER, 'ModelGovernor', 'castVote', [proposalId, 1])
  await world.warp(1_001)
  await execute(world, actions)
  return modelId
}

async function system() {
  const home = await mkdtemp(join(tmpdir(), 'modelcommons-answers-'))
  await chmod(home, 0o755)
  onTestFinished(() => rm(home, { recursive: true, force: true }))
  const store = localStore(join(home, 'artifacts'))
  const objects = folderObjects(join(home, 'artifacts'))
  const world = await servingChain(store)
  const { deployment, anvil } = world
  const file = join(home, 'given.json')
  await writeDeployment(file, deployment)
  const env = { RPC_URL: anvil.url, DEPLOYMENT: file, MODELCOMMONS_HOME: home, OPERATOR_KEY, LOG_LEVEL: 'silent' }
  const journal = answerJournal(objects, await journalKeys({ home, journalKeys: undefined }))
  const voucher = { consumer: CONSUMER.address, endpointId: 1n, cumulative: CREDIT, deadline: 10n ** 12n }
  const signature = await signVoucher(world, CONSUMER, voucher)
  const answered: string[] = []

  /** The services on a database; `work` asks them. */
  const serving = async (
    db: Database,
    work: (ask: ReturnType<typeof asking>) => Promise<void>,
    through = (chain: ChainClient) => chain,
  ) => {
    const stop = new AbortController()
    const indexer = await startIndexer({ db, rpcUrl: anvil.url, deployment, signal: stop.signal, pollMs: 10 })
    await indexer.caughtUp()
    const queues = await openQueues({ databaseUrl: db.url })
    await replayMissingAnswers({ db, journal }, silent)
    const engine = {
      async run(_: string, { requests }: { requests: { prompt: string }[] }) {
        answered.push(...requests.map(({ prompt }) => prompt))
        return {
          answers: requests.map(({ prompt }) => ({
            text: `${prompt} ${answered.length}`,
            tokensIn: 3,
            tokensOut: 2,
            finish: 'stop',
          })),
        }
      },
    }
    const engines = { lane: () => engine } as unknown as LaneEngines
    const worker = await startWorker({
      db,
      queues,
      artifacts: store,
      chain: through(
        await openChainClient({ rpcUrl: anvil.url, deployment, operatorKey: OPERATOR_KEY, db, log: silent }),
      ),
      handlers: createHandlers({ engines, cache: join(home, 'cache'), deployment, journal }),
      log: silent,
      slots: { infer: 2, attribute: 1, training: 0, chain: 1, recourse: 0 },
      device: 'cpu',
      checkpoints: join(home, 'checkpoints'),
      checkpointStore: checkpointsIn(objects),
      timing: FAST_TIMING,
    })
    try {
      await work(asking(db, queues))
    } finally {
      await worker.stop()
      await queues.close()
      stop.abort()
      await indexer.stopped
    }
  }
  const program = async (name: 'backup' | 'restore', db: Database, ...args: string[]) => {
    const { code, output } = await runProgram(name, { ...env, DATABASE_URL: db.url }, args)
    if (code !== 0) throw new Error(output)
    return output
  }
  const grant = (db: Database) =>
    db.query(
      `insert into signed_voucher (id, endpoint_id, consumer, cumulative, deadline, signature, used, signed_at)
       values ($1, '1', $2, $3, $4, $5, 0, now())`,
      [`1-${CONSUMER.address.toLowerCase()}`, CONSUMER.address.toLowerCase(), CREDIT, voucher.deadline, signature],
    )
  const spent = async () => CREDIT - (await world.read('InferenceMarket', 'credit', [CONSUMER.address]))
  return { home, world, env, answered, serving, program, grant, spent, journal }
}

const asking = (db: Database, queues: Awaited<ReturnType<typeof openQueues>>) => {
  const ended = async (id: string) => {
    await until(`job ${id} has ended`, async () => (await findJob(db, id)).finishedAt !== null)
    const job = await findJob(db, id)
    if (job.status !== 'Succeeded')
      throw new Error(`${job.kind} ${job.status}: ${job.error?.code} ${job.error?.message}`)
    return job.result as Record<string, unknown>
  }
  const request = (key: string) =>
    enqueue(
      { db, queues },
      'infer',
      { endpointId: '1', prompt: key, consumer: CONSUMER.address },
      {
        key,
        requestedBy: CONSUMER.address,
        also: (sql, job) => reserveCredit(sql, job, job.input as unknown as InferInput),
      },
    )
  return {
    ended,
    request,
    answer: async (key: string) => (await ended((await request(key)).id)).answer,
    async settle(epoch: number, key = `settle ${epoch}`) {
      return ended((await enqueue({ db, queues }, 'settleEpoch', { epoch }, { key, requestedBy: null })).id)
    },
  }
}

const books = async (db: Database) => ({
  receipts: (await db.query('select prompt, answer, fee, epoch from receipt order by prompt')).rows,
  open: Number((await db.query('select count(*) as open from credit_hold where open')).rows[0].open),
  used: (await db.query('select used from signed_voucher')).rows[0]?.used as bigint,
})

const FEE = 5n * (PRICE / 1000n)

test('after a restore every answer is back, is given again for its key, and is charged once', async () => {
  const { home, answered, serving, program, grant, spent } = await system()
  const [db, restored] = [await freshDatabase(), await databaseWith(0)]
  const out = join(home, 'backup')
  let late: unknown
  await serving(db, async ({ answer }) => {
    await grant(db)
    expect(await answer('before')).toBe('before 1')
  })
  const queues = await openQueues({ databaseUrl: db.url })
  await asking(db, queues).request('queued') // no worker: it is queued in the backup
  await queues.close()
  await program('backup', db, '--out', out)
  await serving(db, async ({ answer, settle }) => {
    expect(await answer('queued')).toMatch(/^queued \d$/)
    await settle(1)
    late = await answer('late')
  })
  expect(await spent()).toBe(2n * FEE)
  const [truth, given] = [await books(db), [...answered]]

  expect(await program('restore', restored, out)).toContain('2 answers of after the backup are back from the journal.')
  await serving(restored, async ({ answer, settle }) => {
    expect(await answer('late')).toBe(late)
    expect(await answer('queued')).toBe(truth.receipts.find(({ prompt }) => prompt === 'queued').answer)
    expect(answered).toEqual(given) // the model was not asked again
    await expect(settle(1)).resolves.toMatchObject({ epoch: 1, receipts: 2 })
    await settle(2)
    expect(await answer('new')).toMatch(/^new /)
  })
  expect(await spent()).toBe(3n * FEE)
  const after = await books(restored)
  expect(after.receipts.map(({ prompt, epoch }) => `${prompt} ${epoch}`)).toEqual([
    'before 1',
    'late 2',
    'new null',
    'queued 1',
  ])
  expect(after).toMatchObject({ open: 0, used: 4n * FEE })

  // Restored again, by a tool that knows nothing of the journal: the worker finds it.
  const other = await databaseWith(0)
  await program('restore', other, out, '--no-journal')
  expect((await books(other)).receipts).toHaveLength(1)
  await serving(other, async ({ answer, settle }) => {
    expect(await answer('late')).toBe(late)
    await settle(3)
  })
  expect(await spent()).toBe(4n * FEE)
  expect((await books(other)).receipts.map(({ prompt, epoch }) => `${prompt} ${epoch}`)).toEqual([
    'before 1',
    'late 2',
    'new 3',
    'queued 1',
  ])
}, 240_000)

test('a settlement that was cut in two by a restore goes on and charges once', async () => {
  const { home, serving, program, grant, spent } = await system()
  const [db, restored] = [await freshDatabase(), await databaseWith(0)]
  const out = join(home, 'backup')
  await serving(db, async ({ answer }) => {
    await grant(db)
    await answer('one')
    await answer('two')
  })
  await program('backup', db, '--out', out)
  const unpublished = (chain: ChainClient): ChainClient => ({
    ...chain,
    transact: (key, ...rest) =>
      key.startsWith('publish')
        ? Promise.reject(new ChainUnavailableError('unreachable', 'The chain does not answer.'))
        : chain.transact(key, ...rest),
  })
  const requestOf = async (db: Database) => {
    const queues = await openQueues({ databaseUrl: db.url })
    const { id } = await enqueue({ db, queues }, 'settleEpoch', { epoch: 1 }, { key: 'settle', requestedBy: null })
    await queues.close()
    return id
  }
  const id = await requestOf(db)
  await serving(
    db,
    () => until('the job waits with its usage settled', async () => (await findJob(db, id)).status === 'Waiting'),
    unpublished,
  )
  expect(await spent()).toBe(2n * FEE)

  await program('restore', restored, out)
  await requestOf(restored)
  await serving(restored, async ({ ended, answer }) => {
    await expect(ended(id)).resolves.toMatchObject({ epoch: 1, receipts: 2 })
    await answer('three')
  })
  expect(await spent()).toBe(2n * FEE)
  expect((await books(restored)).receipts.map(({ prompt, epoch }) => `${prompt} ${epoch}`)).toEqual([
    'one 1',
    'three null',
    'two 1',
  ])
  expect(Number((await restored.query('select count(*) as lines from reward_line')).rows[0].lines)).toBeGreaterThan(0)
}, 180_000)

test('a journal of another key is told, and can be given up', async () => {
  const { home, env, serving, program, grant } = await system()
  const [db, restored] = [await freshDatabase(), await databaseWith(0)]
  const out = join(home, 'backup')
  await grant(db).catch(() => {})
  await program('backup', db, '--out', out)
  await serving(db, async ({ answer }) => {
    await answer('late')
  })
  const wrong = { ...env, DATABASE_URL: restored.url, JOURNAL_KEY: '11'.repeat(32) }
  expect(await runProgram('restore', wrong, [out])).toEqual({
    code: 1,
    output: expect.stringMatching(
      /^The backup is restored, but not the answers of after it: JOURNAL_KEY: none of its keys has sealed this\..* --no-journal\.$/,
    ),
  })
  expect((await runProgram('restore', wrong, [out, '--force', '--no-journal'])).code).toBe(0)
  const rotated = {
    ...wrong,
    JOURNAL_KEY: `${'11'.repeat(32)},${(await journalKeys({ home, journalKeys: undefined }))[0].toString('hex')}`,
  }
  expect((await runProgram('restore', rotated, [out, '--force'])).output).toContain('1 answers of after')
}, 120_000)
