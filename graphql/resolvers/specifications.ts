import { LRUCache } from 'lru-cache'
import { Ctx, Field, FieldResolver, ObjectType, Resolver, Root } from 'type-graphql'
import { ArtifactError } from '#schema/artifacts/index.ts'
import { parseDocument, specificationDocument } from '#schema/documents.ts'
import { Model } from '#schema/onchain/models.ts'
import type { ApiContext } from '../context.ts'
import { ApiError } from '../errors.ts'
import type { LoadedRow } from '../query/page.ts'
import { requireUnsealed } from './sealedArtifacts.ts'

/** What a model is called and is for, from the specification that the chain names, and its card. A proposer may name any artifact as either: a sealed one, a
 *  large one, or one that is no such document is as none. */

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

const MAX_SPECIFICATION = 1_000_000
const MAX_CARD = 200_000
/** A document that is missing is looked for again after this time. */
const MISSING_MS = 30_000

/** What was read, by store and name: an artifact never changes, but a sealed one opens and a missing one may come. */
const read = new WeakMap<object, LRUCache<string, { bytes: Uint8Array | null }>>()

/** The bytes of an artifact that a proposer names; null when it is missing, damaged, larger than `maxBytes`, or sealed. */
async function namedBytes({ artifacts, db }: ApiContext, name: string, maxBytes: number): Promise<Uint8Array | null> {
  let known = read.get(artifacts)
  if (!known) read.set(artifacts, (known = new LRUCache({ maxSize: 50_000_000, sizeCalculation: sizeOf })))
  const cached = known.get(name)
  if (cached) return cached.bytes
  const bytes = await artifacts.get(name, { maxBytes }).catch(orNothing)
  const open = bytes && (await requireUnsealed({ db, artifacts }, name, bytes).then(() => bytes, orNothing))
  known.set(name, { bytes: open ?? null }, open ? {} : { ttl: MISSING_MS })
  return open ?? null
}

const sizeOf = ({ bytes }: { bytes: Uint8Array | null }) => 100 + (bytes?.length ?? 0)

function orNothing(error: unknown): null {
  if (error instanceof ArtifactError || error instanceof ApiError) return null
  throw error
}

export async function specificationOf(context: ApiContext, specHash: string): Promise<ModelSpecification | null> {
  const bytes = await namedBytes(context, specHash, MAX_SPECIFICATION)
  const parsed = bytes && parseDocument(specificationDocument, bytes)
  if (!parsed?.success) return null
  const { name, purpose, licence, baseLicence = null, baseModel, integration, card = null } = parsed.data
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
    return specificationOf(context, row.specHash as string)
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'What it is called, from its specification; null when that cannot be read.',
    complexity: 5,
  })
  async name(@Root() row: LoadedRow, @Ctx() context: ApiContext): Promise<string | null> {
    return (await specificationOf(context, row.specHash as string))?.name ?? null
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'Its model card as its proposer wrote it, in Markdown; null when there is none or it cannot be read.',
    complexity: 5,
  })
  async card(@Root() row: LoadedRow, @Ctx() context: ApiContext): Promise<string | null> {
    const card = (await specificationOf(context, row.specHash as string))?.card
    const bytes = card ? await namedBytes(context, card, MAX_CARD) : null
    try {
      return bytes && new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    } catch {
      return null
    }
  }
}
