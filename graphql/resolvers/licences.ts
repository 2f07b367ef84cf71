import { Ctx, Field, FieldResolver, ObjectType, Resolver, Root } from 'type-graphql'
import { trainingConflict } from '#rules/licences.ts'
import type { Specification } from '#schema/documents.ts'
import { Datanet } from '#schema/onchain/datanets.ts'
import { Model, ModelVersion } from '#schema/onchain/models.ts'
import type { ApiContext } from '../context.ts'
import { tableFor } from '../publicTables.ts'
import { type LoadedRow, ROW_AS_OF } from '../query/page.ts'
import { readSpecification } from './proposedDocuments.ts'

@ObjectType({
  description: 'The licences of what a model or a version is made of, by SPDX name.',
  simpleResolvers: true,
})
export class Licences {
  @Field(() => String, { description: 'The mandate’s: what the model is under.' }) model!: string
  @Field(() => String, {
    nullable: true,
    description: 'Of the base model; null when the specification does not state it.',
  })
  base!: string | null
  @Field(() => [String], { description: 'Of its datanets; of a version: of those that it learned from.' })
  data!: string[]
  @Field(() => String, {
    nullable: true,
    description: 'Why no version may be trained from these; null when it may, as far as the licences are known.',
  })
  conflict!: string | null
}

const NULLABLE = { nullable: true, complexity: 10 }

@Resolver(() => Model)
export class ModelLicencesResolver {
  @FieldResolver(() => Licences, {
    ...NULLABLE,
    description: 'The licences of the model and its base; null while nobody can read the specification.',
  })
  async licences(@Root() row: LoadedRow, @Ctx() context: ApiContext): Promise<Licences | null> {
    return licencesOf(await readSpecification(context, row.specHash as string), [])
  }
}

@Resolver(() => ModelVersion)
export class VersionLicencesResolver {
  @FieldResolver(() => Licences, { ...NULLABLE, description: 'The licences of what it was made of.' })
  async licences(@Root() row: LoadedRow, @Ctx() context: ApiContext): Promise<Licences | null> {
    const loader = context.reader.batched<string[]>('licences', async (ids) => {
      const { rows } = await context.db.query<{ version_id: string; licences: string[] }>(
        `select i.version_id, array_agg(distinct d.licence order by d.licence) as licences from version_influence i
           join contribution c on c.id = i.contribution_id and c.to_block is null
           join datanet d on d.id = c.datanet_id and d.to_block is null
         where i.version_id = any($1) group by i.version_id`,
        [ids],
      )
      return new Map(rows.map((one) => [one.version_id, one.licences]))
    })
    return licencesOf(await specificationOf(context, row), (await loader.load(row.id)) ?? [])
  }
}

@Resolver(() => Datanet)
export class DatanetLicencesResolver {
  @FieldResolver(() => String, {
    ...NULLABLE,
    description:
      'Why its samples are neither judged nor trained on: its licence does not fit the model’s. Null when it does.',
  })
  async licenceConflict(@Root() row: LoadedRow, @Ctx() context: ApiContext): Promise<string | null> {
    const found = licencesOf(await specificationOf(context, row), [row.licence as string])
    return found?.conflict ?? null
  }
}

function licencesOf(specification: Specification | null, data: string[]): Licences | null {
  if (!specification) return null
  const { licence: model, baseLicence: base } = specification
  return { model, base: base ?? null, data, conflict: trainingConflict({ model, base, data }) }
}

/** Of the model of a version or a datanet. */
async function specificationOf(context: ApiContext, row: LoadedRow): Promise<Specification | null> {
  const table = tableFor(Model)
  const model = await context.reader.one('licences', table, row[ROW_AS_OF], table.columns, row.modelId as string)
  return model && readSpecification(context, model.specHash as string)
}
