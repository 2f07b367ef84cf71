import { Ctx, Field, FieldResolver, ObjectType, Resolver, Root } from 'type-graphql'
import { ArtifactError } from '#schema/artifacts/index.ts'
import { ModelVersion } from '#schema/onchain/models.ts'
import type { ApiContext } from '../context.ts'
import { describeVersion } from '../documents/describeVersion.ts'
import { modelCard } from '../documents/modelCard.ts'
import { DOCUMENT_NAMES, versionPath } from '../documents/names.ts'
import type { LoadedRow } from '../query/page.ts'

@ObjectType({ description: 'A document about a version, for other programs.', simpleResolvers: true })
export class VersionDocument {
  @Field(() => String, { description: `One of ${DOCUMENT_NAMES.join(', ')}.` })
  name!: string
  @Field(() => String, { description: 'Its path on this API.' }) path!: string
}

@Resolver(() => ModelVersion)
export class VersionDocumentResolver {
  @FieldResolver(() => [VersionDocument], { description: 'The documents about it, for other programs.' })
  documents(@Root() { id }: LoadedRow): VersionDocument[] {
    return DOCUMENT_NAMES.map((name) => ({ name, path: `${versionPath(id)}/${name}` }))
  }

  @FieldResolver(() => String, {
    nullable: true,
    complexity: 50,
    description: 'Its model card: Markdown with metadata. Null while its manifest or its specification cannot be read.',
  })
  async card(@Root() { id }: LoadedRow, @Ctx() { db, artifacts, deployment }: ApiContext): Promise<string | null> {
    try {
      return modelCard(await describeVersion({ db, artifacts, chainId: deployment.chainId, url: '' }, id))
    } catch (error) {
      if (error instanceof ArtifactError) return null
      throw error
    }
  }
}
