import { GraphQLJSON } from 'graphql-scalars'
import { Arg, Ctx, Extensions, Field, Int, ObjectType, Query, Resolver } from 'type-graphql'
import { Contribution } from '#schema/onchain/datanets.ts'
import { RewardClaim, RewardMap } from '#schema/onchain/rewards.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../context.ts'
import { listLength } from '../plugins/listLength.ts'
import { tableFor } from '../publicTables.ts'
import { AS_OF_ARG, AsOfInput } from '../query/asOfInput.ts'
import { Statement } from '../query/statement.ts'
import { requireAddress } from '../requireAddress.ts'

@ObjectType({
  description: 'A reason for earnings: the amounts of one role from one source in one epoch.',
  simpleResolvers: true,
})
export class EarningReason {
  @Field(() => Int, { description: 'The epoch.' }) epoch!: number
  @Field(() => String, { description: 'The role.' }) role!: string
  @Field(() => String, { description: 'The source, as `kind:id`.' }) source!: string
  @Field(() => BigIntScalar, { description: 'The amount, in wei.' }) amount!: bigint
  @Field(() => GraphQLJSON, { description: 'The formula’s inputs.' }) inputs!: unknown
}

const MAX_REASONS = 200

@ObjectType('Contributor', {
  description: 'The contributions of one account, their weight, and its earnings.',
  simpleResolvers: true,
})
export class ContributorRecord {
  @Field(() => String, { description: 'The account.' }) account!: string
  @Field(() => Int, { description: 'Samples submitted.' }) contributions!: number
  @Field(() => Int, { description: 'Of these, accepted.' }) accepted!: number
  @Field(() => Int, { description: 'Of these, rejected.' }) rejected!: number
  @Field(() => Int, { description: 'Of these, excluded by an upheld dispute.' }) excluded!: number
  @Field(() => BigIntScalar, { description: 'The present stake on them, in wei.' }) staked!: bigint
  @Field(() => BigIntScalar, { description: 'Slashed from these stakes, in wei.' }) slashed!: bigint
  @Field(() => BigIntScalar, {
    description:
      'The sum of its attribution weights in all versions, each in ppm of the version. Always the present value.',
  })
  weight!: bigint
  @Field(() => BigIntScalar, { description: 'Earnings in published reward maps, in all roles, in wei.' })
  earned!: bigint
  @Field(() => BigIntScalar, { description: 'Of that, claimed.' }) claimed!: bigint
  @Extensions(listLength(() => MAX_REASONS))
  @Field(() => [EarningReason], { description: 'The reasons, largest amounts first, at most 200.' })
  reasons!: EarningReason[]
}

@Resolver()
export class ContributorResolver {
  @Query(() => ContributorRecord, {
    description: 'The contributions of one account, their weight, and its earnings with the reasons.',
    complexity: 50,
  })
  async contributor(
    @Arg('account', () => String, { description: 'The account.' }) account: string,
    @Arg('asOf', () => AsOfInput, AS_OF_ARG) asOfInput: AsOfInput | undefined,
    @Ctx() { reader, db }: ApiContext,
  ): Promise<ContributorRecord> {
    const address = requireAddress('account', account)
    const statement = new Statement(await reader.asOf(asOfInput))
    const holder = statement.bind(address, 'text')
    const visible = (entity: typeof Contribution | typeof RewardMap | typeof RewardClaim, alias: string) =>
      statement.visibleAt(tableFor(entity), alias)
    const lines = `reward_line l join reward_map m on m.id = l.map_id and m.status = 'Published' and ${visible(RewardMap, 'm')} where l.account = ${holder}`
    const text = `
      with mine as (select id, status, excluded, stake, slashed from contribution c where c.contributor = ${holder} and ${visible(Contribution, 'c')})
      select ${holder} as account, count(*)::integer as contributions,
        count(*) filter (where status = 'Accepted')::integer as accepted,
        count(*) filter (where status = 'Rejected')::integer as rejected,
        count(*) filter (where excluded)::integer as excluded,
        coalesce(sum(stake), 0) as staked, coalesce(sum(slashed), 0) as slashed,
        (select coalesce(sum(weight), 0)::numeric from version_influence i join mine on mine.id = i.contribution_id) as weight,
        (select coalesce(sum(l.amount), 0) from ${lines}) as earned,
        (select coalesce(sum(amount), 0) from reward_claim r where r.account = ${holder} and ${visible(RewardClaim, 'r')}) as claimed,
        (select coalesce(jsonb_agg(why), '[]') from (
          select jsonb_build_object('epoch', m.epoch, 'role', l.role, 'source', l.source, 'amount', l.amount::text, 'inputs', l.inputs) as why
          from ${lines} order by l.amount desc, l.id limit ${MAX_REASONS}) r) as reasons
      from mine`
    const [found] = (await db.query<ContributorRecord & object>(text, statement.values)).rows
    if (!found) throw new Error('an aggregate without group by returned no row')
    return found
  }
}
