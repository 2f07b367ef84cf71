import { GraphQLDateTimeISO } from 'graphql-scalars'
import { Arg, Ctx, Field, ID, InputType, Int, Mutation, ObjectType, Resolver } from 'type-graphql'
import { enumNamed } from '#schema/define.ts'
import { JobRun, type JobStatus } from '#schema/offchain/jobs.ts'
import { requireOperator } from '../access.ts'
import type { ApiContext } from '../context.ts'
import { asLoadedRow } from './jobs.ts'
import { type JobSelection, MAX_RETRIES, type RefusedRetry, retryJob, retryJobs } from './retry.ts'

@InputType('JobSelection', {
  description: 'Which jobs to try again. Without a field: up to 100 failed ones, oldest first.',
})
export class JobSelectionInput implements JobSelection {
  @Field(() => [enumNamed('JobStatus')], {
    nullable: true,
    description: 'Failed, Cancelled or Waiting. Default Failed.',
  })
  statuses?: JobStatus[]
  @Field(() => [String], { nullable: true, description: 'Only these kinds.' }) kinds?: string[]
  @Field(() => String, {
    nullable: true,
    description: 'Only jobs whose error has this code, for example ARTIFACT_STORE.',
  })
  errorCode?: string
  @Field(() => GraphQLDateTimeISO, {
    nullable: true,
    description: 'Only jobs that were requested at this time or later.',
  })
  since?: Date
  @Field(() => Int, { nullable: true, description: `At most this many, 1 to ${MAX_RETRIES}. Default 100.` })
  limit?: number
}

@ObjectType('RefusedRetry', { description: 'A job that cannot be tried again, and why.', simpleResolvers: true })
export class RefusedRetryType implements RefusedRetry {
  @Field(() => ID, { description: 'The job.' }) id!: string
  @Field(() => String, { description: 'The code of the error.' }) code!: string
  @Field(() => String, { description: 'What to do instead.' }) message!: string
}

@ObjectType({ description: 'The outcome of a retry of several jobs.', simpleResolvers: true })
export class RetriedJobs {
  @Field(() => [JobRun], { description: 'The jobs that are tried again.' }) retried!: JobRun[]
  @Field(() => [RefusedRetryType], { description: 'The jobs that are not.' }) refused!: RefusedRetryType[]
}

const KEY_DESCRIPTION = 'Identifies this request. A job that is queued or running already does not change.'

@Resolver()
export class RetryCommands {
  @Mutation(() => JobRun, {
    description:
      'Tries a job again under its id: a failed or cancelled one with fresh attempts, a waiting one at once. For operators.',
  })
  async retryJob(
    @Arg('id', () => ID, { description: 'The job.' }) id: string,
    @Arg('idempotencyKey', () => String, { description: KEY_DESCRIPTION }) _key: string,
    @Ctx() context: ApiContext,
  ) {
    requireOperator(context.caller)
    return asLoadedRow(context, await retryJob(context, id))
  }

  @Mutation(() => RetriedJobs, { description: 'Tries all jobs of a selection again. For operators.' })
  async retryJobs(
    @Arg('selection', () => JobSelectionInput, { description: 'Which jobs.' }) selection: JobSelectionInput,
    @Arg('idempotencyKey', () => String, { description: KEY_DESCRIPTION }) _key: string,
    @Ctx() context: ApiContext,
  ) {
    requireOperator(context.caller)
    const given = Object.fromEntries(
      Object.entries(selection).filter(([, value]) => value !== null && value !== undefined),
    )
    const { retried, refused } = await retryJobs(context, given)
    return { retried: await Promise.all(retried.map((job) => asLoadedRow(context, job))), refused }
  }
}
