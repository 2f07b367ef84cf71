import { Ctx, Field, FieldResolver, ObjectType, Resolver, Root } from 'type-graphql'
import { Model } from '#schema/onchain/models.ts'
import type { ApiContext } from '../context.ts'
import type { LoadedRow } from '../query/page.ts'
import { readCard, readSpecification } from './proposedDocuments.ts'

/** What a model is called and is for, from the specification that the chain names, and its card. */

@ObjectType({ description: 'What a proposer states of a model.', simpleResolvers: true })
export class ModelSpecification {
  @Field(() => String, { description: 'What the model is called.' }) name!: string
  @Field(() => String, { description: 'What the model is for.' }) purpose!: string
  @Field(() => String, { description: 'The SPDX licence of the model and of its samples.' }) licence!: string
  @Field(() => String, { nullable: true, description: 'The SPDX licence of the base model, where it is stated.' })
  baseLicence!: string | null
  @Field(() => String, { description: 'The artifact that lists the files of the base model.' }) baseModel!: string
  @Field(() => String, { description: 'Into which programs the model is to be built.' }) integration!: string
  @Field(() => String, { nullable: true, description: 'The artifact of the model card, where there is one.' })
  card!: string | null
}

async function statedOf(context: ApiContext, row: LoadedRow): Promise<ModelSpecification | null> {
  const read = await readSpecification(context, row.specHash as string)
  if (!read) return null
  const { name, purpose, licence, baseLicence = null, baseModel, integration, card = null } = read
  return { name, purpose, licence, baseLicence, baseModel, integration, card }
}

@Resolver(() => Model)
export class SpecificationResolver {
  @FieldResolver(() => ModelSpecification, {
    nullable: true,
    description: 'What its proposer states of it; null when the specification cannot be read.',
    complexity: 5,
  })
  specification(@Root() row: LoadedRow, @Ctx() context: ApiContext): Promise<ModelSpecification | null> {
    return statedOf(context, row)
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'What it is called, from its specification; null when that cannot be read.',
    complexity: 5,
  })
  async name(@Root() row: LoadedRow, @Ctx() context: ApiContext): Promise<string | null> {
    return (await readSpecification(context, row.specHash as string))?.name ?? null
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'Its model card as its proposer wrote it, in Markdown; null when there is none or it cannot be read.',
    complexity: 5,
  })
  async card(@Root() row: LoadedRow, @Ctx() context: ApiContext): Promise<string | null> {
    const specification = await readSpecification(context, row.specHash as string)
    return specification && readCard(context, specification)
  }
}
