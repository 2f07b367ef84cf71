import { Arg, Ctx, Mutation, Resolver } from 'type-graphql'
import { Artifact } from '#schema/offchain/artifacts.ts'
import { requireKey } from '../access.ts'
import type { ApiContext } from '../context.ts'
import { ApiError } from '../errors.ts'
import { tableFor } from '../publicTables.ts'

const MAX_BYTES = 1_000_000

/** Kinds whose content must be JSON, because their readers parse it. */
const JSON_KINDS = ['sample', 'specification', 'rubric', 'items', 'prompts', 'evidence']
const KINDS = [...JSON_KINDS, 'document']

@Resolver()
export class UploadCommand {
  @Mutation(() => Artifact, {
    description: `Stores a text under its keccak256, the name by which contracts refer to it. Kinds: ${KINDS.join(', ')}; all except document are JSON. At most ${MAX_BYTES.toLocaleString('en')} bytes.`,
  })
  async uploadArtifact(
    @Arg('content', () => String, { description: 'The text, stored unchanged as UTF-8.' }) content: string,
    @Arg('kind', () => String, { description: 'The kind of artifact.' }) kind: string,
    @Arg('idempotencyKey', () => String, {
      description: 'Identifies this request. Storing twice has the same effect as once.',
    })
    _key: string,
    @Ctx() { caller, artifacts, db, reader }: ApiContext,
  ) {
    requireKey(caller)
    if (!KINDS.includes(kind))
      throw new ApiError(
        'BAD_INPUT',
        `kind must be one of ${KINDS.join(', ')}; got ${JSON.stringify(kind.slice(0, 80))}.`,
      )
    const bytes = new TextEncoder().encode(content)
    if (bytes.length === 0 || bytes.length > MAX_BYTES)
      throw new ApiError(
        'ARTIFACT_TOO_LARGE',
        `An uploaded artifact has 1 to ${MAX_BYTES} bytes; this has ${bytes.length}. Split it.`,
      )
    const json = JSON_KINDS.includes(kind)
    if (json) requireJson(content, kind)
    const id = await artifacts.put(bytes)
    const mediaType = json ? 'application/json' : 'text/plain; charset=utf-8'
    await db.query(
      'insert into artifact (id, kind, media_type, size, created_at) values ($1, $2, $3, $4, now()) on conflict (id) do nothing',
      [id, kind, mediaType, bytes.length],
    )
    const table = tableFor(Artifact)
    return reader.one(`artifact:${id}`, table, await reader.asOf(), table.columns, id)
  }
}

function requireJson(content: string, kind: string): void {
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch (cause) {
    throw new ApiError(
      'NOT_JSON',
      `A ${kind} must be JSON, but the content is not (${(cause as Error).message}). Correct it and upload it again.`,
      { cause },
    )
  }
  if (value === null || typeof value !== 'object')
    throw new ApiError('NOT_JSON', `A ${kind} must be a JSON object; got ${JSON.stringify(value)?.slice(0, 40)}.`)
}
