import type { Logger } from 'pino'
import type { ArtifactStore } from '#schema/artifacts/index.ts'
import type { Database } from '#schema/database.ts'
import { EnqueueError, enqueue } from '#schema/enqueue.ts'
import { isRetriable } from '#schema/errors.ts'
import { type Policy, policyOf, type StewardFile } from '#schema/policy.ts'
import type { Queues } from '#schema/queue.ts'
import { applySettlementPolicy, type SettlementPolicy } from '../settlement/policy.ts'
import { decide } from './decide.ts'
import { createMandatedPolicies, PolicyError } from './mandatedPolicies.ts'
import { type IdentifiedStep, type ModelPlan, plan } from './plan.ts'
import { indexedTime, type MandatedModel, mandatedModels, readFacts } from './readFacts.ts'
import { nextSettlements } from './settlements.ts'
import { controlOf, recordAsked, recordsOf, storeDecision, storeNext } from './storedPlan.ts'

export interface StewardContext {
  db: Database
  queues: Pick<Queues, 'add'>
  artifacts: Pick<ArtifactStore, 'get'>
  log: Logger
  /** The account of the worker. */
  account: string
  /** Whether it has the operator's role: without it, only its endpoints are kept. */
  operates: boolean
  dailySpendBps: bigint
  /** The operator's policies; undefined: only mandates have some. */
  file: StewardFile | undefined
  settlements: Pick<SettlementPolicy, 'redeemAfterMs' | 'redeemMin'>
}

/** Looks at every model with a mandate, and at the fees of all: asks for what is due, and stores what comes next and why. What is wrong with one model holds no
 *  other. */
export function createTurn(context: StewardContext): () => Promise<void> {
  const mandated = createMandatedPolicies(context.artifacts)
  return async () => {
    const time = await indexedTime(context.db)
    if (!time) return
    for (const model of await mandatedModels(context.db))
      try {
        await lookAfter(context, model, time, await mandated(model.specHash))
      } catch (err) {
        if (isRetriable(err)) throw err
        await storeFault(context, model.id, time.block, err as Error)
      }
    const { db, queues, operates, settlements } = context
    if (!operates) return
    const policy = { db, account: context.account.toLowerCase(), publishes: true, ...settlements }
    await applySettlementPolicy({ ...policy, queues })
    await storeNext(db, null, await nextSettlements(policy))
  }
}

async function lookAfter(
  context: StewardContext,
  model: MandatedModel,
  time: { block: number; chainTime: Date; now: Date },
  mandated: Policy | undefined,
): Promise<void> {
  const { db } = context
  const policy = policyOf(model.id, mandated, context.file)
  if (!policy)
    throw new PolicyError('Neither its mandate nor the operator’s file (STEWARD_FILE) has a policy for this model.')
  const { ask, next, state, explanation } = await db.transaction(async (sql): Promise<ModelPlan> => {
    const reader = { ...context, sql, account: context.account.toLowerCase(), time }
    const steps = decide(await readFacts(reader, model, policy))
    const records = await recordsOf(
      sql,
      model.id,
      steps.map(({ occasion }) => occasion),
    )
    return plan(steps, records, await controlOf(sql, model.id))
  }, 'repeatable read')
  for (const step of ask) await askFor(context, model.id, step)
  if (!context.operates) return // the operator's workers tell what comes next
  await storeNext(db, model.id, next)
  await storeDecision(db, model.id, time.block, { state, explanation, policy })
}

/** Without a policy nothing is done; any other error is one of ours, which an operator must see. */
async function storeFault(
  { db, log, operates }: StewardContext,
  modelId: string,
  block: number,
  err: Error,
): Promise<void> {
  const isUnmanaged = err instanceof PolicyError
  if (!operates) return
  if (!isUnmanaged) log.error({ model: modelId, err }, 'the steward cannot decide about a model')
  await storeNext(db, modelId, [])
  await storeDecision(db, modelId, block, {
    state: isUnmanaged ? 'Unmanaged' : 'Held',
    explanation: isUnmanaged ? err.message : `The steward cannot decide: ${err.message}`,
    policy: null,
  })
}

/** Asks for a job as a mutation of the operator does, and records it together with the job: a job without its record would be somebody else's. Its key names the
 *  facts, so that all stewards together ask for one. */
async function askFor({ db, queues, log }: StewardContext, modelId: string, step: IdentifiedStep): Promise<void> {
  const { id, kind, input, reason } = step
  try {
    const job = await enqueue({ db, queues }, kind, input, {
      key: `steward/${id}`,
      requestedBy: null,
      async also(sql, made) {
        await recordAsked(sql, modelId, step, made.id)
      },
    })
    await recordAsked(db, modelId, step, job.id) // one of before, from another steward or an earlier release
    log.info({ model: modelId, step: id, job: job.id, reason }, 'the steward asked for a job')
  } catch (err) {
    if (!(err instanceof EnqueueError && err.code === 'IDEMPOTENCY_KEY_REUSED')) throw err
    log.warn({ model: modelId, step: id, err }, 'another steward, with another policy, has asked for this step')
  }
}
