import { GraphQLJSON } from 'graphql-scalars'
import pLimit from 'p-limit'
import { Arg, Ctx, FieldResolver, ID, Query, Resolver, Root } from 'type-graphql'
import { ArtifactError, type ArtifactStore } from '#schema/artifacts/index.ts'
import { Artifact } from '#schema/offchain/artifacts.ts'
import { Evaluation } from '#schema/onchain/models.ts'
import type { ApiContext } from '../context.ts'
import { ApiError } from '../errors.ts'
import { tableFor } from '../publicTables.ts'
import { AS_OF_ARG, AsOfInput } from '../query/asOfInput.ts'
import { type LoadedRow, ROW_AS_OF, ROW_TABLE } from '../query/page.ts'
import { requirePresent } from './removedSamples.ts'
import { requireUnsealed } from './sealedArtifacts.ts'

/** The largest artifact whose content GraphQL returns. */
const MAX_INLINE = 1_000_000
/** The same for all contents of a request: parsed, they take many times as much memory until it is answered. */
const MAX_OF_REQUEST = 4_000_000
/** The cost of a content: a request has at most five hundred. */
const CONTENT_COST = 100
/** Contents that are read and checked at the same time, of all requests. */
const readContent = pLimit(4)
/** The bytes that a request has read. */
const bytesRead = new WeakMap<ApiContext, number>()

@Resolver(() => Artifact)
export class ArtifactResolver {
  @Query(() => Artifact, {
    nullable: true,
    description: 'An artifact by its keccak256; null when it is not in the store.',
  })
  async artifact(
    @Arg('id', () => ID, { description: 'The artifact’s name: 0x and 64 hex digits.' }) id: string,
    @Ctx() context: ApiContext,
  ): Promise<LoadedRow | null> {
    const { reader, artifacts, ownArtifacts = artifacts } = context
    const table = tableFor(Artifact)
    const asOf = await reader.asOf()
    const name = id.toLowerCase()
    const row = await reader.one('artifact', table, asOf, table.columns, name)
    if (row || !/^0x[0-9a-f]{64}$/.test(name)) return row
    const size = await sizeOf(ownArtifacts, name)
    if (size === undefined) return null
    const mediaType = 'application/octet-stream'
    return {
      id: name,
      kind: 'unlisted',
      mediaType,
      size: BigInt(size),
      createdAt: new Date(0),
      [ROW_AS_OF]: asOf,
      [ROW_TABLE]: table,
    }
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'The content as text; null when it is not UTF-8. For large artifacts use GET /artifacts/<id>.',
    complexity: CONTENT_COST,
  })
  async text(@Root() row: LoadedRow, @Ctx() context: ApiContext): Promise<string | null> {
    return textOf(await readUnsealed(context, row.id))
  }

  @FieldResolver(() => GraphQLJSON, {
    nullable: true,
    description: 'The content as JSON; null when it is not JSON.',
    complexity: CONTENT_COST,
  })
  async json(@Root() row: LoadedRow, @Ctx() context: ApiContext): Promise<unknown> {
    return jsonOf(textOf(await readUnsealed(context, row.id)))
  }

  @Query(() => GraphQLJSON, {
    nullable: true,
    description:
      'The log of an evaluation: the salted hash of each item, scores and seed. Its items and answers are sealed, and open together with the items. Null when there is no such evaluation.',
    complexity: CONTENT_COST,
  })
  async evaluationLog(
    @Arg('evaluationId', () => ID, { description: 'The id of one of its metrics’ rows.' }) id: string,
    @Arg('asOf', () => AsOfInput, AS_OF_ARG) asOfInput: AsOfInput | undefined,
    @Ctx() context: ApiContext,
  ): Promise<unknown> {
    const table = tableFor(Evaluation)
    const row = await context.reader.one(
      'evaluationLog',
      table,
      await context.reader.asOf(asOfInput),
      table.columns,
      id,
    )
    return row ? jsonOf(textOf(await readUnsealed(context, row.logHash as string))) : null
  }
}

const readUnsealed = (context: ApiContext, name: string): Promise<Uint8Array> =>
  readContent(() => readOne(context, name))

async function readOne(context: ApiContext, name: string): Promise<Uint8Array> {
  const { artifacts, db } = context
  const before = bytesRead.get(context) ?? 0
  if (before > MAX_OF_REQUEST)
    throw new ApiError(
      'TOO_COMPLEX',
      `The artifacts of this request have more than ${MAX_OF_REQUEST} bytes. Request fewer, or download them with GET /artifacts/<id>.`,
    )
  await requirePresent(db, name)
  const bytes = await artifacts.get(name, { maxBytes: MAX_INLINE }).catch((cause) => {
    if (!(cause instanceof ArtifactError && cause.code === 'tooLarge')) throw cause
    throw new ApiError(
      'ARTIFACT_TOO_LARGE',
      `The artifact has more than ${MAX_INLINE} bytes. Download it with GET /artifacts/${name}.`,
      { cause },
    )
  })
  bytesRead.set(context, (bytesRead.get(context) ?? 0) + bytes.length)
  await requireUnsealed({ db, artifacts }, name, bytes)
  return bytes
}

/** The bytes of an artifact, without reading it into memory; undefined when it is not there. */
async function sizeOf(artifacts: Pick<ArtifactStore, 'open'>, name: string): Promise<number | undefined> {
  try {
    const file = await artifacts.open(name)
    return await file
      .stat()
      .then(({ size }) => size)
      .finally(() => file.close())
  } catch (error) {
    if (error instanceof ArtifactError && error.code === 'missing') return undefined
    throw error
  }
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

function jsonOf(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text)
  } catch {
    return null
  }
}
