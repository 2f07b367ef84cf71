import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql'
import { describedEnum } from '#schema/describedEnums.ts'
import { WorkerNode } from '#schema/offchain/jobs.ts'
import { WORKER_STATUS, type WorkerStatus, workerStatus } from '#schema/workers.ts'
import type { ApiContext } from '../context.ts'

const WorkerStatusEnum = describedEnum('WorkerStatus', Object.fromEntries(WORKER_STATUS.map((one) => [one, one])))

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
