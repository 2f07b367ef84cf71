import { Arg, Ctx, ID, Mutation, Resolver } from 'type-graphql'
import type { Sql } from '#schema/database.ts'
import type { EntityClass } from '#schema/define.ts'
import { cancelJob, enqueue } from '#schema/enqueue.ts'
import { descriptionOf, hasFields } from '#schema/inputs.ts'
import { checkJobInput, type InferInput, type JobKind, jobKinds, jobs, type RelayInput } from '#schema/jobs.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { callerAccount, requireAccount, requireKey, requireOperator } from '../access.ts'
import type { ApiContext } from '../context.ts'
import { classNamed, declareMethod } from '../derive/declare.ts'
import { ApiError } from '../errors.ts'
import { tableFor } from '../publicTables.ts'
import { type LoadedRow, ROW_AS_OF, ROW_TABLE } from '../query/page.ts'
import { requireExisting } from './existing.ts'
import { countRelay } from './relay.ts'
import { payFor } from './spendCap.ts'

const KEY_DESCRIPTION =
  'Identifies this request: a second request with the same key returns the same job and does nothing else.'

/** One mutation for each kind of job, derived from the job table. */
export function jobResolver(): EntityClass {
  const owner = classNamed('JobCommands')
  for (const kind of jobKinds) {
    const { input } = jobs[kind]
    const args = [
      ...(hasFields(input)
        ? [{ name: 'input', type: () => input, nullable: false, description: 'The input of the job.' }]
        : []),
      { name: 'idempotencyKey', type: () => String, nullable: false, description: KEY_DESCRIPTION },
    ]
    const description = descriptionOf(input)
    declareMethod(
      owner,
      kind,
      Mutation(() => JobRun, { description }),
      args,
      ({ input = {}, idempotencyKey }, { context }) => start(context, kind, input, idempotencyKey),
    )
  }
  Resolver()(owner)
  return owner
}

async function start(context: ApiContext, kind: JobKind, given: object, key: string) {
  const input = checkJobInput(kind, { ...given })
  const call = kind === 'infer' ? (input as InferInput) : undefined
  if (call) requireAccount(context.caller, call.consumer, 'infer')
  else if (kind === 'relay') requireAccount(context.caller, (input as RelayInput).account)
  else requireOperator(context.caller)
  await requireExisting(context.db, input)
  const job = await enqueue(context, kind, input, {
    key,
    requestedBy: callerAccount(context.caller),
    ...(kind === 'relay' && { also: counting(context, input as RelayInput) }),
    ...(call && { also: (sql, job) => payFor(sql, job, call, context) }),
  })
  return asLoadedRow(context, job)
}

/** @throws ApiError when nothing is relayed here. */
function counting({ caller, relay: limits }: ApiContext, input: RelayInput) {
  if (!limits)
    throw new ApiError(
      'RELAY_OFF',
      'Nothing is relayed here. Send a transaction of the account, or use another API; an operator turns relaying on by RELAY.',
    )
  return (sql: Sql, job: JobRun) => countRelay(sql, job, input, { caller, limits })
}

@Resolver()
export class CancelCommand {
  @Mutation(() => JobRun, {
    description:
      'Cancels a job. A queued job is cancelled at once, a running one stops at its next step, an ended one does not change. A call that has begun to be answered ends with its answer so far, which is charged; any other costs nothing, and its prompt is removed.',
  })
  async cancelJob(
    @Arg('id', () => ID, { description: 'The job.' }) id: string,
    @Arg('idempotencyKey', () => String, {
      description: 'Identifies this request. Cancelling twice has the same effect as once.',
    })
    _key: string,
    @Ctx() context: ApiContext,
  ) {
    requireKey(context.caller, 'infer')
    if (context.caller.kind === 'key' && context.caller.role !== 'Operator') {
      const { rows } = await context.db.query('select requested_by from job_run where id = $1', [id])
      if (rows[0] && rows[0].requested_by !== context.caller.account)
        throw new ApiError('FORBIDDEN', 'Only the account that requested a job, or an operator, may cancel it.')
    }
    return asLoadedRow(context, await cancelJob(context, id))
  }
}

/** The job as a loaded row, so that its relations can be queried. */
export async function asLoadedRow({ reader }: ApiContext, job: JobRun): Promise<LoadedRow> {
  return { ...job, [ROW_AS_OF]: await reader.asOf(), [ROW_TABLE]: tableFor(JobRun) }
}
