import { Arg, Ctx, Mutation, Resolver } from 'type-graphql'
import { nameOf } from '#schema/artifacts/names.ts'
import type { Database } from '#schema/database.ts'
import { Artifact } from '#schema/offchain/artifacts.ts'
import { requireKey } from '../access.ts'
import type { ApiContext } from '../context.ts'
import { ApiError } from '../errors.ts'
import { tableFor } from '../publicTables.ts'
import { storeSearchText } from './searchText.ts'

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
    @Ctx() { caller, artifacts, ownArtifacts = artifacts, db, reader, maxUploadBytes }: ApiContext,
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
    const id = await nameOf(bytes)
    if (!(await ownArtifacts.has(id))) {
      if (caller.kind === 'key' && caller.role === 'Consumer' && maxUploadBytes !== undefined)
        await chargeUpload(db, caller.id, bytes.length, maxUploadBytes)
      await artifacts.put(bytes)
    }
    const mediaType = json ? 'application/json' : 'text/plain; charset=utf-8'
    await db.query(
      'insert into artifact (id, kind, media_type, size, created_at) values ($1, $2, $3, $4, now()) on conflict (id) do nothing',
      [id, kind, mediaType, bytes.length],
    )
    await storeSearchText({ db, artifacts }, id, kind, bytes)
    const table = tableFor(Artifact)
    return reader.one(`artifact:${id}`, table, await reader.asOf(), table.columns, id)
  }
}

const DAY_SECONDS = 86_400

/** Everybody who signs in makes keys, of any number of accounts: all such keys together upload at most so many times what one may. */
const SELF_MADE_SHARES = 100

const USED_TODAY = `select coalesce(sum(k.uploaded_bytes), 0) from api_key k where k.prefix is not null and k.upload_day = day`

/** Counts an upload before it is stored: what fails afterwards stays counted. A key that an operator has made has a limit of its own; those that an account has made
 *  share one, with those that it has revoked. @throws ApiError beyond the day's limit */
async function chargeUpload(db: Database, key: string, bytes: number, max: number): Promise<void> {
  const charged = await db.transaction(async (sql) => {
    await sql.query(
      `select 1 from api_key where prefix is not null and account = (select account from api_key where id = $1) order by id for update`,
      [key],
    )
    const { rowCount } = await sql.query(
      `with today as (select floor(extract(epoch from clock_timestamp()) / ${DAY_SECONDS})::bigint as day)
       update api_key set upload_day = day, uploaded_bytes = case when upload_day = day then uploaded_bytes else 0 end + $2
       from today where id = $1 and case when upload_day = day then uploaded_bytes else 0 end + $2 <= $3
         and (prefix is null or (${USED_TODAY} and k.account = api_key.account) + $2 <= $3 and (${USED_TODAY}) + $2 <= $4)`,
      [key, bytes, max, max * SELF_MADE_SHARES],
    )
    return rowCount
  })
  if (!charged)
    throw new ApiError(
      'UPLOAD_LIMIT',
      `Your key may upload ${max.toLocaleString('en')} bytes in a day, those that your account has made together as many, and these ${bytes.toLocaleString('en')} would be more; or all who make keys themselves have uploaded what they may. Upload them after midnight UTC, or ask the operator for a key or for more (UPLOAD_MB_PER_DAY).`,
    )
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
