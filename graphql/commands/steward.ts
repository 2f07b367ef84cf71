import { Arg, Ctx, ID, Mutation, Resolver } from 'type-graphql'
import { Stewardship } from '#schema/offchain/steward.ts'
import { requireOperator } from '../access.ts'
import type { ApiContext } from '../context.ts'
import { ApiError } from '../errors.ts'
import { tableFor } from '../publicTables.ts'
import { pauseSteward, resumeSteward } from './stewardControl.ts'

const MAX_REASON = 500

@Resolver()
export class StewardCommands {
  @Mutation(() => Stewardship, {
    description:
      'Pauses the steward of one model: it asks for nothing more until it is resumed. Jobs that run go on. For operators.',
  })
  async pauseSteward(
    @Arg('modelId', () => ID, { description: 'A model with a mandate.' }) modelId: string,
    @Arg('reason', () => String, { description: `Why, for everybody to read: at most ${MAX_REASON} characters.` })
    reason: string,
    @Arg('idempotencyKey', () => String, {
      description: 'Identifies this request. Pausing twice has the same effect as once.',
    })
    _key: string,
    @Ctx() context: ApiContext,
  ) {
    requireOperator(context.caller)
    if (reason.trim() === '' || reason.length > MAX_REASON)
      throw new ApiError('BAD_INPUT', `reason must have 1 to ${MAX_REASON} characters.`)
    await pauseSteward(context.db, modelId, reason)
    return stewardship(context, modelId)
  }

  @Mutation(() => Stewardship, {
    description:
      'Resumes the steward of one model after a pause, or after a job that failed for good: that step is then asked for once more. For operators.',
  })
  async resumeSteward(
    @Arg('modelId', () => ID, { description: 'A model with a mandate.' }) modelId: string,
    @Arg('idempotencyKey', () => String, { description: 'Identifies this request.' }) _key: string,
    @Ctx() context: ApiContext,
  ) {
    requireOperator(context.caller)
    await resumeSteward(context.db, modelId)
    return stewardship(context, modelId)
  }
}

async function stewardship({ reader }: ApiContext, modelId: string) {
  const table = tableFor(Stewardship)
  return reader.one(`stewardship:${modelId}`, table, await reader.asOf(), table.columns, modelId)
}
