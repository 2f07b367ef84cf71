import type { GraphQLResolveInfo } from 'graphql'
import { Ctx, Field, FieldResolver, Info, Int, ObjectType, Resolver, Root } from 'type-graphql'
import type { EntityClass } from '#schema/define.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { FeedbackTask, Judgement } from '#schema/onchain/feedback.ts'
import { Redemption } from '#schema/onchain/market.ts'
import { ModelVersion } from '#schema/onchain/models.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../../context.ts'
import { tableFor } from '../../publicTables.ts'
import { type LoadedRow, ROW_AS_OF } from '../../query/page.ts'
import { prepared } from '../../query/prepared.ts'
import type { Statement } from '../../query/statement.ts'

@ObjectType({ description: 'What went into a version and what came of it, over all rows.', simpleResolvers: true })
export class VersionTotals {
  @Field(() => Int, { description: 'Samples with a weight in it. Always the present value.' }) samples!: number
  @Field(() => Int, { description: 'The accounts that contributed them.' }) contributors!: number
  @Field(() => Int, { description: 'Judgements of its answers.' }) judgements!: number
  @Field(() => Int, { description: 'The validators who gave them.' }) validators!: number
  @Field(() => Int, { description: 'Answered calls. Always the present value.' }) calls!: number
  @Field(() => BigIntScalar, { description: 'Fees that hosts redeemed for its answers, in wei.' }) redeemed!: bigint
  @Field(() => BigIntScalar, {
    description: 'What published reward maps pay because of it, its part for ancestors included, in wei.',
  })
  paid!: bigint
  @Field(() => Int, { description: 'The accounts that they pay.' }) paidAccounts!: number
}

@Resolver(() => ModelVersion)
export class VersionTotalsResolver {
  @FieldResolver(() => VersionTotals, {
    description: 'Its totals, as of the same point in the chain.',
    complexity: 50,
  })
  async totals(
    @Root() row: LoadedRow,
    @Ctx() { reader }: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<VersionTotals | undefined> {
    const asOf = row[ROW_AS_OF]
    const found = await reader.forField<VersionTotals>(info, asOf, row.id, async (versions, statement) => {
      const text = totalsSql(statement, versions)
      const { rows } = await reader.sql.query(prepared(text, statement.values))
      return new Map(rows.map(({ id, ...totals }) => [id, totals]))
    })
    return found
  }
}

/** Each part is read by an index of its version. */
function totalsSql(statement: Statement, versions: readonly string[]): string {
  const visible = (entity: EntityClass, alias: string) => statement.visibleAt(tableFor(entity), alias)
  const lines = (condition: string) =>
    `select l.account, l.amount from reward_line l join reward_map m on m.id = l.map_id and m.status = 'Published' and ${visible(RewardMap, 'm')} where ${condition}`
  return `select v.id, data.*, judged.*, called.*, redeemed.*, paid.* from unnest(${statement.bind(versions, 'text[]')}) v(id)
    cross join lateral (select count(*)::integer as samples, count(distinct c.contributor)::integer as contributors
      from version_influence i join contribution c on c.id = i.contribution_id and ${visible(Contribution, 'c')} where i.version_id = v.id and i.weight > 0) data
    cross join lateral (select count(*)::integer as judgements, count(distinct j.validator)::integer as validators
      from feedback_task t join judgement j on j.task_id = t.id and ${visible(Judgement, 'j')} where t.version_id = v.id and ${visible(FeedbackTask, 't')}) judged
    cross join lateral (select count(*)::integer as calls from receipt r where r.version_id = v.id) called
    cross join lateral (select coalesce(sum(r.amount), 0) as redeemed from redemption r where r.version_id = v.id and ${visible(Redemption, 'r')}) redeemed
    cross join lateral (select coalesce(sum(l.amount), 0) as paid, count(distinct l.account)::integer as "paidAccounts" from (
      ${lines(`l.source = 'version:' || v.id`)} union all ${lines(`l.inputs->>'versionId' = v.id and l.source <> 'version:' || v.id`)}) l) paid`
}
