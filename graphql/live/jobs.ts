import { Arg, Ctx, ID, Resolver, Root, Subscription } from 'type-graphql'
import type { JobStatus } from '#schema/offchain/jobs.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { type ApiContext, renewReader } from '../context.ts'
import { ApiError } from '../errors.ts'
import { tableFor } from '../names.ts'
import type { Row } from '../query/page.ts'
import { Reader } from '../query/reader.ts'
import { Stream } from './stream.ts'

const ENDED: JobStatus[] = ['Succeeded', 'Failed', 'Cancelled']

@Resolver()
export class LiveJobs {
  @Subscription(() => JobRun, {
    description: 'A job as it stands, then again whenever it moves; ends when the job does.',
    subscribe: ({ args, context }) => jobStream(context as ApiContext, args.id as string),
  })
  jobProgress(
    @Arg('id', () => ID, { description: 'The job.' }) _id: string,
    @Root() job: Row,
    @Ctx() context: ApiContext,
  ) {
    renewReader(context)
    return job as unknown as JobRun
  }

  @Subscription(() => JobRun, {
    description: 'Every job that is asked for, or moves, from now on.',
    subscribe: ({ context }) => jobsStream(context as ApiContext),
  })
  jobs(@Root() job: Row, @Ctx() context: ApiContext) {
    renewReader(context)
    return job as unknown as JobRun
  }
}

async function readJobs({ db, deployment }: ApiContext, ids: readonly string[]): Promise<Row[]> {
  const reader = new Reader(db, deployment.chainId)
  const table = tableFor(JobRun)
  const moment = await reader.moment()
  const rows = await Promise.all(ids.map((id) => reader.one('jobs', table, moment, table.columns, id)))
  return rows.filter((row) => row !== null)
}

function jobStream(context: ApiContext, id: string): AsyncIterable<Row> {
  const stream: Stream<Row> = new Stream(
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
function jobsStream(context: ApiContext): AsyncIterable<Row> {
  const moved = new Set<string>()
  const stream: Stream<Row> = new Stream(
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
