import { Arg, Ctx, ID, Resolver, Root, Subscription } from 'type-graphql'
import type { JobStatus } from '#schema/offchain/jobs.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { type ApiContext, renewReader } from '../context.ts'
import { ApiError } from '../errors.ts'
import { tableFor } from '../publicTables.ts'
import type { LoadedRow } from '../query/page.ts'
import { Reader } from '../query/reader.ts'
import { SubscriptionStream } from './stream.ts'

const ENDED: JobStatus[] = ['Succeeded', 'Failed', 'Cancelled']

@Resolver()
export class JobSubscription {
  @Subscription(() => JobRun, {
    description:
      'The present state of a job, then the job again after every change; the stream ends when the job has ended.',
    subscribe: ({ args, context }) => jobStream(context as ApiContext, args.id as string),
  })
  jobProgress(
    @Arg('id', () => ID, { description: 'The job.' }) _id: string,
    @Root() job: LoadedRow,
    @Ctx() context: ApiContext,
  ) {
    renewReader(context)
    return job as unknown as JobRun
  }

  @Subscription(() => JobRun, {
    description: 'Every job that is created or changes from now on.',
    subscribe: ({ context }) => jobsStream(context as ApiContext),
  })
  jobs(@Root() job: LoadedRow, @Ctx() context: ApiContext) {
    renewReader(context)
    return job as unknown as JobRun
  }
}

async function readJobs({ db, deployment }: ApiContext, ids: readonly string[]): Promise<LoadedRow[]> {
  const reader = new Reader(db, deployment.chainId)
  const table = tableFor(JobRun)
  const asOf = await reader.asOf()
  const rows = await Promise.all(ids.map((id) => reader.one('jobs', table, asOf, table.columns, id)))
  return rows.filter((row) => row !== null)
}

function jobStream(context: ApiContext, id: string): AsyncIterable<LoadedRow> {
  const stream: SubscriptionStream<LoadedRow> = new SubscriptionStream(
    async () => {
      const [job] = await context.liveReads.read(`job ${id}`, () => readJobs(context, [id]))
      if (!job) throw new ApiError('JOB_NOT_FOUND', `There is no job ${id.slice(0, 80)}. Check the id.`)
      return { items: [job], done: ENDED.includes(job.status as JobStatus) }
    },
    () => off(),
  )
  const off = context.feed.on((notification) => {
    if (notification.type === 'job' && notification.id === id) stream.wake()
  })
  return stream
}

/** A job that changed several times while the client was busy is sent once, in its latest state. */
function jobsStream(context: ApiContext): AsyncIterable<LoadedRow> {
  const changed = new Set<string>()
  const stream: SubscriptionStream<LoadedRow> = new SubscriptionStream(
    async () => {
      const ids = [...changed]
      changed.clear()
      const key = `jobs ${ids.join(' ')}`
      return { items: ids.length > 0 ? await context.liveReads.read(key, () => readJobs(context, ids)) : [] }
    },
    () => off(),
  )
  const off = context.feed.on((notification) => {
    if (notification.type !== 'job') return
    changed.add(notification.id)
    stream.wake()
  })
  return stream
}
