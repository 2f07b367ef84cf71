import { Arg, Ctx, Field, ID, InputType, ObjectType, Query, Resolver } from 'type-graphql'
import type { Hex } from 'viem'
import { UnpublishedEpochError } from '#epochs/epochSources.ts'
import { entriesOfAccount } from '#epochs/mapPages.ts'
import { mapDocument, publishedFacts } from '#epochs/publishedFacts.ts'
import { readerOf } from '#epochs/readArtifacts.ts'
import { counterfactual, type Removal } from '#rules/counterfactual.ts'
import type { RewardMapDocument } from '#schema/rewardMapDocument.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../context.ts'
import { ApiError } from '../errors.ts'
import { requireAddress } from '../requireAddress.ts'

/** Why an account earned what it did, and what it would have earned otherwise (rules 10 and 13). */

@ObjectType({ description: 'Why an account got an amount: `amount = ⌊pot × weight / whole⌋`.', simpleResolvers: true })
export class RewardReason {
  @Field(() => String, { description: 'The pot, or `platform`, `unattributed`, `withheld`, `recovered`.' })
  role!: string
  @Field(() => ID, { nullable: true, description: 'The version whose fees are shared.' }) versionId!: string | null
  @Field(() => String, {
    description: 'What earned it: contribution, task, stake, endpoint, version, pot, correction.',
  })
  kind!: string
  @Field(() => String, { description: 'The id of what earned it.' }) sourceId!: string
  @Field(() => BigIntScalar, { description: 'The amount, in wei; negative for what is withheld.' }) amount!: bigint
  @Field(() => BigIntScalar, { description: 'What is shared, in wei.' }) pot!: bigint
  @Field(() => BigIntScalar, { description: 'The weight of this claim.' }) weight!: bigint
  @Field(() => BigIntScalar, { description: 'The weights of all claims.' }) whole!: bigint
}

@ObjectType({ description: 'What an account earned in an epoch, and why.', simpleResolvers: true })
export class RewardExplanation {
  @Field(() => ID, { description: 'In which epoch it was earned.' }) epoch!: string
  @Field(() => String, { description: 'Whose reward is explained.' }) account!: string
  @Field(() => BigIntScalar, { description: 'What became payable to it by this epoch’s map, in wei.' }) earned!: bigint
  @Field(() => BigIntScalar, { description: 'All that the map lets it claim, from all epochs, in wei.' })
  cumulative!: bigint
  @Field(() => [RewardReason], { description: 'The amounts that sum to `earned`.' }) reasons!: RewardReason[]
}

@ObjectType({ description: 'What an account would have earned without one fact.', simpleResolvers: true })
export class RewardDifference {
  @Field(() => String, { description: 'Whose reward would change.' }) account!: string
  @Field(() => BigIntScalar, { description: 'What it earned, in wei.' }) actual!: bigint
  @Field(() => BigIntScalar, { description: 'What it would have earned, in wei.' }) without!: bigint
  @Field(() => BigIntScalar, { description: 'The difference, in wei.' }) difference!: bigint
}

@InputType({ description: 'A validator’s judgement.' })
export class JudgementName {
  @Field(() => ID, { description: 'Which comparison was judged.' }) taskId!: string
  @Field(() => String, { description: 'The account that judged.' }) validator!: string
}

@InputType({ description: 'A contribution that repeats another.' })
export class DuplicateName {
  @Field(() => ID, { description: 'The contribution that is left out.' }) original!: string
  @Field(() => ID, { description: 'Its duplicate, which takes its place.' }) duplicate!: string
}

@InputType({ description: 'The fact to leave out: exactly one.' })
export class CounterfactualInput {
  @Field(() => ID, { nullable: true, description: 'A sample of a datanet, by its id.' }) contribution?: string
  @Field(() => JudgementName, { nullable: true, description: 'What a validator said of a task.' })
  judgement?: JudgementName
  @Field(() => DuplicateName, { nullable: true, description: 'The original of a duplicate.' }) duplicate?: DuplicateName
}

/** Above this size an epoch is not computed in the API, which would answer nobody else meanwhile. */
const MAX_LINES = 20_000

@Resolver()
export class RewardReasonResolver {
  @Query(() => RewardExplanation, {
    nullable: true,
    description:
      'Why an account earned what it did in an epoch, by the map that the publisher stored; null when the map pays it nothing.',
    complexity: 50,
  })
  async explainReward(
    @Arg('account', () => String, { description: 'Who earned it.' }) given: string,
    @Arg('epoch', () => ID, { description: 'The number of the epoch, whose map must be published.' }) epoch: string,
    @Ctx() context: ApiContext,
  ): Promise<RewardExplanation | null> {
    const account = requireAddress('account', given)
    const map = await documentOf(context, epoch)
    const read = readerOf(context.artifacts)
    const [leaf] = await entriesOfAccount(map, 'leaves', account, read)
    const reasons = (await entriesOfAccount(map, 'lines', account, read)).map(
      ({ role, versionId, source, amount, pot, weight, whole }): RewardReason => ({
        role,
        versionId,
        kind: source.kind,
        sourceId: source.id,
        amount: BigInt(amount),
        pot: BigInt(pot),
        weight: BigInt(weight),
        whole: BigInt(whole),
      }),
    )
    if (!leaf && reasons.length === 0) return null
    const earned = reasons.reduce((sum, { amount }) => sum + amount, 0n)
    return { epoch, account, earned, cumulative: BigInt(leaf?.cumulative ?? 0), reasons }
  }

  @Query(() => [RewardDifference], {
    description:
      'What each account would have earned in an epoch without one contribution, one judgement, or the original of a duplicate; only accounts that differ, the largest difference first.',
    complexity: 500,
  })
  async counterfactual(
    @Arg('epoch', () => ID, { description: 'The number of the epoch, whose map must be published.' }) epoch: string,
    @Arg('without', () => CounterfactualInput, { description: 'The fact to leave out.' }) without: CounterfactualInput,
    @Ctx() context: ApiContext,
  ): Promise<RewardDifference[]> {
    const removal = removalOf(without)
    const { lines } = await documentOf(context, epoch)
    if (!Array.isArray(lines) || lines.length > MAX_LINES)
      throw new ApiError(
        'EPOCH_TOO_LARGE',
        `The map of epoch ${epoch} has too many lines: the API computes epochs of at most ${MAX_LINES}. Run \`modelcommons counterfactual\` on your own machine.`,
      )
    const facts = await publishedFacts(sourcesOf(context), Number(epoch), removal)
    try {
      return counterfactual(facts, removal)
    } catch (error) {
      if (error instanceof RangeError) throw new ApiError('BAD_INPUT', error.message)
      throw error
    }
  }
}

async function documentOf({ reader, artifacts }: ApiContext, epoch: string): Promise<RewardMapDocument> {
  try {
    if (!/^[1-9]\d{0,8}$/.test(epoch)) throw new UnpublishedEpochError(`There is no epoch ${epoch.slice(0, 80)}.`)
    return await mapDocument({ sql: reader.sql, artifacts }, Number(epoch))
  } catch (error) {
    if (!(error instanceof UnpublishedEpochError)) throw error
    throw new ApiError('UNKNOWN_REWARD_MAP', `${error.message} Query \`rewardMaps\`.`)
  }
}

function sourcesOf({ reader, artifacts, deployment }: ApiContext) {
  const addressOf = (name: string) => {
    const address = deployment.addresses[name]
    if (!address) throw new Error(`The deployment has no ${name}.`)
    return address as Hex
  }
  const addresses = { RewardDistributor: addressOf('RewardDistributor'), Treasury: addressOf('Treasury') }
  return { sql: reader.sql, artifacts, deployment: { ...deployment, addresses } }
}

function removalOf({ contribution, judgement, duplicate }: CounterfactualInput): Removal {
  const given = [contribution, judgement, duplicate].filter((one) => one != null)
  if (given.length !== 1)
    throw new ApiError('BAD_INPUT', 'without: name exactly one of contribution, judgement and duplicate.')
  if (judgement)
    return {
      kind: 'judgement',
      taskId: judgement.taskId,
      validator: requireAddress('validator', judgement.validator) as Hex,
    }
  if (duplicate) return { kind: 'duplicate', ...duplicate }
  return { kind: 'contribution', contributionId: contribution as string }
}
