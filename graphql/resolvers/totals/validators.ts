import type { GraphQLResolveInfo } from 'graphql'
import { Ctx, Extensions, Field, FieldResolver, Info, Int, ObjectType, Resolver, Root } from 'type-graphql'
import { tableOf } from '#schema/define.ts'
import { Reputation, Validator } from '#schema/onchain/feedback.ts'
import { ValidatorTotal } from '#schema/onchain/totals.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../../context.ts'
import { listLength } from '../../plugins/listLength.ts'
import { tableFor } from '../../publicTables.ts'
import { type LoadedRow, ROW_AS_OF } from '../../query/page.ts'
import { prepared } from '../../query/prepared.ts'
import { groupBy } from '../../query/reader.ts'
import { columnsBelow } from '../../query/selection.ts'
import { listColumns } from '../../query/statement.ts'

/** Far more than there are domains of judgement. */
const MAX_REPUTATIONS = 20

@ObjectType({ description: 'What all judgements of a validator give together.', simpleResolvers: true })
export class ValidatorTotals {
  @Field(() => Int, { description: 'Committed judgements.' }) judgements!: number
  @Field(() => Int, { description: 'Of these, revealed.' }) revealed!: number
  @Field(() => Int, { description: 'Of these, settled.' }) settled!: number
  @Field(() => BigIntScalar, { description: 'What their settlements paid, in wei.' }) reward!: bigint
  @Field(() => BigIntScalar, { description: 'What their settlements fined, in wei.' }) penalty!: bigint
}

const NOTHING: ValidatorTotals = { judgements: 0, revealed: 0, settled: 0, reward: 0n, penalty: 0n }

@Resolver(() => Validator)
export class ValidatorTotalsResolver {
  @FieldResolver(() => ValidatorTotals, {
    description: 'The totals over all its judgements, as of the same point in the chain.',
    complexity: 20,
  })
  async totals(
    @Root() row: LoadedRow,
    @Ctx() { reader }: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<ValidatorTotals> {
    const asOf = row[ROW_AS_OF]
    const found = await reader.forField<ValidatorTotals>(info, asOf, row.id, async (validators, statement) => {
      const text = `select t.* from unnest(${statement.bind(validators, 'text[]')}) v(id)
        cross join lateral ${statement.totalAt(tableOf(ValidatorTotal), 'v.id')} t`
      const { rows } = await reader.sql.query(prepared(text, statement.values))
      return new Map(rows.map((totals) => [totals.id, totals]))
    })
    return found ?? NOTHING
  }

  @FieldResolver(() => [Reputation], {
    description: 'Its reputations, one for each domain in which it has a record.',
    complexity: 5,
  })
  @Extensions(listLength(() => MAX_REPUTATIONS))
  async reputations(
    @Root() row: LoadedRow,
    @Ctx() { reader }: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<LoadedRow[]> {
    const asOf = row[ROW_AS_OF]
    const table = tableFor(Reputation)
    const found = await reader.forField<LoadedRow[]>(info, asOf, row.id, async (validators, statement) => {
      const text = `select v.id as "$validator", r.* from unnest(${statement.bind(validators, 'text[]')}) v(id) cross join lateral (
          select ${listColumns('t', columnsBelow(table, info))} from reputation t
          where t.validator = v.id and ${statement.visibleAt(table, 't')} order by t.domain limit ${MAX_REPUTATIONS}) r`
      return groupBy(await reader.read(table, asOf, statement, text), ({ $validator }) => $validator as string)
    })
    return found ?? []
  }
}
