import type { GraphQLResolveInfo } from 'graphql'
import { Ctx, FieldResolver, Info, Resolver, Root } from 'type-graphql'
import { Reconciliation } from '#schema/offchain/reconciliation.ts'
import { Governor } from '#schema/onchain/governance.ts'
import type { ApiContext } from '../../context.ts'
import { tableFor } from '../../publicTables.ts'
import { type LoadedRow, ROW_AS_OF } from '../../query/page.ts'
import { listColumns } from '../../query/statement.ts'

@Resolver(() => Governor)
export class ReconciliationResolver {
  @FieldResolver(() => Reconciliation, {
    nullable: true,
    description:
      'The newest comparison of the index with the contracts, up to this point in the chain. Its `drift` is 0 when all compared values are equal. Null when there is none yet.',
    complexity: 5,
  })
  async reconciled(
    @Root() governor: LoadedRow & Governor,
    @Ctx() { reader }: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<LoadedRow | null> {
    const asOf = governor[ROW_AS_OF]
    const table = tableFor(Reconciliation)
    const found = await reader.forField<LoadedRow>(info, asOf, governor.id, async (ids, statement) => {
      const text = `select distinct on (t.governor_id) ${listColumns('t', table.columns)} from reconciliation t
        where t.governor_id = any(${statement.bind(ids, 'text[]')}) and t.block <= ${statement.bind(asOf.block, 'bigint')}
        order by t.governor_id, t.block desc, t.at desc`
      const rows = await reader.read(table, asOf, statement, text)
      return new Map(rows.map((row) => [row.governorId as string, row]))
    })
    return found ?? null
  }
}
