import { Ctx, Extensions, Field, FieldResolver, ID, ObjectType, Resolver, Root } from 'type-graphql'
import { REMOVALS } from '#schema/offchain/removals.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { Endpoint } from '#schema/onchain/market.ts'
import { ModelVersion } from '#schema/onchain/models.ts'
import type { ApiContext } from '../context.ts'
import { listLength } from '../plugins/listLength.ts'
import { tableFor } from '../publicTables.ts'
import { type LoadedRow, ROW_AS_OF } from '../query/page.ts'
import { groupBy } from '../query/reader.ts'

const MAX_LISTED = 1_000

const DESCRIPTION = `The contributions that it learned from and that were taken down or withdrawn since, latest first, at most ${MAX_LISTED}. Train a version without them, and point endpoints to it.`

@ObjectType({
  description: 'A contribution that a version learned from, and that was removed since.',
  simpleResolvers: true,
})
export class RemovedData {
  @Field(() => ID, { description: 'The id of the contribution that was removed.' }) contributionId!: string
  @Field(() => String, { description: '`TakenDown` by an operator, or `Withdrawn` by its contributor.' }) kind!: string
  @Field(() => String, { description: 'Why it was removed, as the one who removed it stated.' }) reason!: string
  @Field(() => Date, { description: 'When it was removed.' }) at!: Date
  asOf!: LoadedRow[typeof ROW_AS_OF]
}

@Resolver(() => RemovedData)
export class RemovedDataResolver {
  @FieldResolver(() => Contribution, { nullable: true, description: 'The contribution that was removed.' })
  contribution(@Root() { contributionId, asOf }: RemovedData, @Ctx() { reader }: ApiContext) {
    const table = tableFor(Contribution)
    return reader.one('removedData', table, asOf, table.columns, contributionId)
  }
}

@Resolver(() => ModelVersion)
export class VersionDataResolver {
  @FieldResolver(() => [RemovedData], { description: DESCRIPTION, complexity: 10 })
  @Extensions(listLength(() => MAX_LISTED))
  removedData(@Root() row: LoadedRow, @Ctx() context: ApiContext): Promise<RemovedData[]> {
    return removedDataOf(context, row, row.id)
  }
}

@Resolver(() => Endpoint)
export class EndpointDataResolver {
  @FieldResolver(() => [RemovedData], { description: `Of the version that answers. ${DESCRIPTION}`, complexity: 10 })
  @Extensions(listLength(() => MAX_LISTED))
  removedData(@Root() row: LoadedRow, @Ctx() context: ApiContext): Promise<RemovedData[]> {
    return removedDataOf(context, row, row.versionId as string)
  }
}

/** For all versions of a list in one statement. Removals are facts of now, as of whatever block is asked. */
async function removedDataOf({ reader, db }: ApiContext, row: LoadedRow, versionId: string): Promise<RemovedData[]> {
  const asOf = row[ROW_AS_OF]
  const loader = reader.batched<RemovedData[]>('removedData', async (ids) => {
    const { rows } = await db.query(
      `select v.id as version_id, r.* from unnest($1::text[]) v(id) cross join lateral (
         select contribution_id as "contributionId", kind, reason, at from ${REMOVALS} removed
         where exists (select 1 from version_influence i where i.version_id = v.id and i.contribution_id = removed.contribution_id)
         order by at desc, contribution_id limit ${MAX_LISTED}) r`,
      [ids],
    )
    return groupBy(rows, (one) => one.version_id)
  })
  return ((await loader.load(versionId)) ?? []).map((one) => ({ ...one, asOf }))
}
