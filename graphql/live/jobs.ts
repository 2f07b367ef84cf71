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
    description: 'A job as it stands, then again whenever it moves; ends when the job does.',
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
    description: 'Every job that is asked for, or moves, from now on.',
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
      const [job] = await readJobs(context, [id])
      if (!job) throw new ApiError('JOB_NOT_FOUND', `There is no job ${id.slice(0, 80)}. Check the id.`)
      return { items: [job], done: ENDED.includes(job.status as JobStatus) }
    },
    () => off(),
  )
  const off = context.feed.on((notice) => {
    if (notice.type === 'job' && notice.id === id) stream.wake()
  })
  return stream
}

/** Jobs that moved while the client was busy are told once, as they stand by then. */
function jobsStream(context: ApiContext): AsyncIterable<LoadedRow> {
  const moved = new Set<string>()
  const stream: SubscriptionStream<LoadedRow> = new SubscriptionStream(
    async () => {
      const ids = [...moved]
      moved.clear()
      return { items: ids.length > 0 ? await readJobs(context, ids) : [] }
    },
    () => off(),
  )
  const off = context.feed.on((notice) => {
    if (notice.type !== 'job') return
    moved.add(notice.id)
    stream.wake()
  })
  return stream
}
