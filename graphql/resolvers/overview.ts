import type { GraphQLResolveInfo } from 'graphql'
import { Arg, Ctx, Info, Int, ObjectType, Query, Resolver } from 'type-graphql'
import { FIGURES } from '#schema/figures.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../context.ts'
import { declareField } from '../derive/declare.ts'
import { AS_OF_ARG, AsOfInput } from '../query/asOfInput.ts'
import { figureSql } from '../query/figure.ts'
import { prepared } from '../query/prepared.ts'
import { fieldsBelow } from '../query/selection.ts'
import { Statement } from '../query/statement.ts'

@ObjectType({ description: 'Figures of the whole lifecycle.', simpleResolvers: true })
export class Overview {}
for (const [name, { sum, description }] of Object.entries(FIGURES))
  declareField(Overview, name, sum ? () => BigIntScalar : () => Int, { description })

@Resolver()
export class OverviewResolver {
  @Query(() => Overview, {
    description:
      'Figures of the whole lifecycle as of one point in the chain. Receipts and jobs are off-chain, so they are always the present ones.',
    complexity: 100,
  })
  async overview(
    @Arg('asOf', () => AsOfInput, AS_OF_ARG) asOfInput: AsOfInput | undefined,
    @Ctx() { reader, db }: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<Overview> {
    const selected = fieldsBelow(info)
    const statement = new Statement(await reader.asOf(asOfInput))
    const figures = Object.entries(FIGURES)
      .filter(([name]) => selected.has(name))
      .map(([name, figure]) => `${figureSql(statement, name, figure)} as "${name}"`)
    return (await db.query(prepared(`select ${figures.join(', ')}`, statement.values))).rows[0]
  }
}
