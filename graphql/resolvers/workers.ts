import { Ctx, FieldResolver, Resolver, Root, registerEnumType } from 'type-graphql'
import { WorkerNode } from '#schema/offchain/jobs.ts'
import { WORKER_STATUS, type WorkerStatus, workerStatus } from '#schema/workers.ts'
import type { ApiContext } from '../context.ts'

const WorkerStatusEnum = Object.fromEntries(WORKER_STATUS.map((one) => [one, one]))
registerEnumType(WorkerStatusEnum, { name: 'WorkerStatus', description: 'Whether a worker process is at work.' })

@Resolver(() => WorkerNode)
export class WorkerNodeResolver {
  @FieldResolver(() => WorkerStatusEnum, {
    description: 'Alive; Stopped, as it said itself; or Lost: its heartbeat ended without a word.',
    complexity: 5,
  })
  status(@Root() { id }: WorkerNode, @Ctx() { reader }: ApiContext): Promise<WorkerStatus> {
    return workerStatus(reader.sql, id)
  }
}
