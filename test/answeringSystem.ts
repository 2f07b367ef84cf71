import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Hex, toHex } from 'viem'
import type { HDAccount } from 'viem/accounts'
import { onTestFinished } from 'vitest'
import { writeDeployment } from '#cli/deployment.ts'
import { journalKeys } from '#cli/journalKeys.ts'
import { evaluate, execute, lockVotes, openVote, TERMS } from '#contracts/test/mandate.ts'
import { channelOf, depositCredit, marketPlace, signTestVoucher } from '#contracts/test/vouchers.ts'
import { CONSUMER, HOLDER, OPERATOR, PROPOSER, startWorld, type World } from '#contracts/test/world.ts'
import { reserveCredit } from '#graphql/commands/credit.ts'
import { startIndexer } from '#indexer/index.ts'
import { until } from '#indexer/test/follow.ts'
import { channelConfig, channelId } from '#rules/channel.ts'
import { checkpointsIn, folderObjects, localStore } from '#schema/artifacts/index.ts'
import type { Database } from '#schema/database.ts'
import { documentBytes } from '#schema/documents.ts'
import { enqueue, findJob } from '#schema/enqueue.ts'
import type { InferInput, JobKind } from '#schema/jobs.ts'
import { answerJournal } from '#schema/journal/answers.ts'
import { openQueues, type Queues } from '#schema/queue.ts'
import { type ChainClient, openChainClient } from '#workers/chain.ts'
import type { LaneEngines } from '#workers/enginePool.ts'
import { createHandlers } from '#workers/handlers/index.ts'
import { startWorker } from '#workers/index.ts'
import { replayMissingAnswers } from '#workers/replayAnswers.ts'
import { applySettlementPolicy } from '#workers/settlement/policy.ts'
import { silent } from '#workers/test/testWorker.ts'
import { FAST_TIMING } from '#workers/test/timing.ts'
import { must } from './must.ts'
import { runProgram } from './testSystem.ts'

/** A chain, its index and workers that answer, redeem and settle. Everything is real except the model, which counts its answers. */

const OPERATOR_KEY = toHex(OPERATOR.getHdKey().privateKey as Uint8Array)
/** For 1,000 tokens; an answer has five tokens. */
const PRICE = 1000n
export const FEE = 5n * (PRICE / 1000n)
export const CREDIT = 10n ** 9n

/** A chain on which the operator hosts endpoint 1, with a promoted version. */
async function servingChain(store: ReturnType<typeof localStore>, price: bigint) {
  const world = await startWorld({ challengeWindow: 1 })
  onTestFinished(() => world.anvil.stop())
  const document = (value: unknown) => store.put(documentBytes(value)) as Promise<Hex>
  const files = await document({ files: { 'config.json': await store.put(Buffer.from('{}')) } })
  const sealed = await document({ salt: `0x${'5a'.repeat(32)}`, items: [{ prompt: 'p', completion: 'c' }] })
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
  await world.send(OPERATOR, 'InferenceMarket', 'registerEndpoint', [1n, 'https://one.example', price, price])
  return { world, manifestHash }
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

export interface Serving {
  /** Replaces the workers' client of the chain. */
  through?: (chain: ChainClient) => ChainClient
  /** Fees are redeemed and epochs settled without a request. */
  policy?: { redeemAfterMs: number }
  redeemMin?: bigint
}

/** Endpoint 1, where a consumer has credit in one channel. `serving` runs the services on a database. */
export async function answeringSystem({ price = PRICE } = {}) {
  const home = await mkdtemp(join(tmpdir(), 'modelcommons-answers-'))
  await chmod(home, 0o755)
  onTestFinished(() => rm(home, { recursive: true, force: true }))
  const store = localStore(join(home, 'artifacts'))
  const objects = folderObjects(join(home, 'artifacts'))
  const { world, manifestHash } = await servingChain(store, price)
  const { deployment, anvil } = world
  const file = join(home, 'given.json')
  await writeDeployment(file, deployment)
  const env = { RPC_URL: anvil.url, DEPLOYMENT: file, MODELCOMMONS_HOME: home, OPERATOR_KEY, LOG_LEVEL: 'silent' }
  const journal = answerJournal(objects, await journalKeys({ home, journalKeys: undefined }))
  const channelOfConsumer = (consumer: HDAccount) => channelOf({ host: OPERATOR.address, consumer: consumer.address })
  const channel = await depositCredit(world, channelOfConsumer(CONSUMER), CREDIT)
  const answered: string[] = []

  const serving = async (
    db: Database,
    work: (ask: ReturnType<typeof asking>) => Promise<void>,
    { through = (chain) => chain, policy, redeemMin = 0n }: Serving = {},
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
    const chain = await openChainClient({ rpcUrl: anvil.url, deployment, operatorKey: OPERATOR_KEY, db, log: silent })
    const { account } = chain
    const settlement = { db, queues, account, publishes: true, redeemMin, redeemAfterMs: policy?.redeemAfterMs ?? 0 }
    const worker = await startWorker({
      db,
      queues,
      artifacts: store,
      chain: through(chain),
      handlers: createHandlers({ engines, cache: join(home, 'cache'), deployment, journal, redeemMin }),
      log: silent,
      slots: { infer: 2, attribute: 1, training: 0, chain: 2, recourse: 0, relay: 0 },
      device: 'cpu',
      checkpoints: join(home, 'checkpoints'),
      checkpointStore: checkpointsIn(objects),
      timing: FAST_TIMING,
      ...(policy && { maintenance: { settlement: () => applySettlementPolicy(settlement) } }),
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
  /** Lets the database have a consumer's voucher. */
  const grant = async (db: Database, ceiling = CREDIT, consumer = CONSUMER) => {
    const id = channelId(marketPlace(world), channelOfConsumer(consumer))
    const signature = await signTestVoucher(world, consumer, { channelId: id, ceiling })
    await db.query(
      `insert into signed_voucher (id, endpoint_id, consumer, ceiling, signature, used, signed_at)
       values ($1, '1', $2, $3, $4, 0, now()) on conflict (id) do update set ceiling = excluded.ceiling, signature = excluded.signature`,
      [id, consumer.address.toLowerCase(), ceiling, signature],
    )
  }
  const deposit = (consumer: HDAccount, amount: bigint) => depositCredit(world, channelOfConsumer(consumer), amount)
  const configOf = (consumer: HDAccount) => channelConfig(marketPlace(world), channelOfConsumer(consumer))
  /** What was redeemed from the consumer's channel. */
  const redeemed = async (id = channel) => (await world.read('InferenceMarket', 'channels', [id]))[1]
  return {
    ...{ home, store, world, manifestHash, env, answered, journal, channel },
    ...{ serving, program, grant, deposit, configOf, redeemed },
  }
}

export const asking = (db: Database, queues: Queues) => {
  const ended = async (id: string) => {
    await until(`job ${id} has ended`, async () => (await findJob(db, id)).finishedAt !== null)
    const job = await findJob(db, id)
    if (job.status !== 'Succeeded')
      throw new Error(`${job.kind} ${job.status}: ${job.error?.code} ${job.error?.message}`)
    return job.result as Record<string, unknown>
  }
  const request = (key: string, more: object = {}, consumer = CONSUMER) =>
    enqueue(
      { db, queues },
      'infer',
      { endpointId: '1', prompt: key, consumer: consumer.address, open: true, ...more },
      {
        key,
        requestedBy: consumer.address,
        also: (sql, job) => reserveCredit(sql, job, job.input as unknown as InferInput),
      },
    )
  const run = async (kind: JobKind, input: object, key: string) =>
    ended((await enqueue({ db, queues }, kind, input, { key, requestedBy: null })).id)
  return {
    ended,
    request,
    answer: async (...of: Parameters<typeof request>) => (await ended((await request(...of)).id)).answer,
    settle: (epoch: number, key = `settle ${epoch}`) => run('settleEpoch', { epoch }, key),
    redeem: (key: string) => run('redeem', {}, key),
  }
}
