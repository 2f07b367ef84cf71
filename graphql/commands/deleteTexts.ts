import { Arg, Ctx, Field, GraphQLISODateTime, ID, Int, Mutation, ObjectType, Resolver } from 'type-graphql'
import type { Sql } from '#schema/database.ts'
import { mapTermsOf, removeTexts } from '#schema/removeTexts.ts'
import { type Caller, callerAccount, requireKey } from '../access.ts'
import type { ApiContext } from '../context.ts'
import { ApiError } from '../errors.ts'

const MAX_CALLS = 100
/** Calls of each kind that a request looks at which names a time. */
const BATCH = 200

@ObjectType({ description: 'What was deleted of the texts of calls.', simpleResolvers: true })
export class DeletedTexts {
  @Field(() => Int, { description: 'Of how many calls prompt and answer were deleted now.' }) deleted!: number
  @Field(() => [ID], {
    description:
      'Calls whose texts stay: those under way, and opened ones until the map of their epoch can be disputed no more.',
  })
  kept!: string[]
  @Field(() => Boolean, { description: 'Whether there may be more before the given time: send the request again.' })
  hasMore!: boolean
}

@Resolver()
export class DeleteTextsCommand {
  @Mutation(() => DeletedTexts, {
    description: `Deletes prompts and answers of the caller’s own calls at once, those of up to ${MAX_CALLS} calls or those that ended before a time: by a key with the scope write, or by a session. Receipts stay, with tokens, fees and hashes: whoever wants to show one later keeps its texts. Neither money nor rewards change. Deleting again has no effect.`,
  })
  async deleteTexts(
    @Arg('ids', () => [ID], {
      nullable: true,
      description: 'The calls: their jobs, which are those of their receipts.',
    })
    ids: string[] | null | undefined,
    @Arg('before', () => GraphQLISODateTime, {
      nullable: true,
      description: `Instead of ids: all calls that ended before this time, some hundreds in a request.`,
    })
    before: Date | null | undefined,
    @Arg('idempotencyKey', () => String, {
      description: 'Identifies this request. Deleting texts twice has the same effect as once.',
    })
    _key: string,
    @Ctx() { caller, db, deployment }: ApiContext,
  ): Promise<DeletedTexts> {
    const owner = ownerOf(caller)
    if ((ids == null) === (before == null))
      throw new ApiError('BAD_INPUT', 'Give ids, or the time before which calls ended: one of both.')
    if (ids && ids.length > MAX_CALLS)
      throw new ApiError(
        'TOO_COMPLEX',
        `At most ${MAX_CALLS} calls are named at once. Send several requests, or a time.`,
      )
    return db.transaction(async (sql) => {
      const { calls, isCut } = ids
        ? { calls: await ownCalls(sql, ids, owner), isCut: false }
        : await callsBefore(sql, before as Date, owner)
      const deleted = await removeTexts(sql, calls, mapTermsOf(deployment.settings))
      return {
        deleted: deleted.length,
        kept: await withTexts(sql, calls),
        hasMore: isCut && deleted.length > 0,
      }
    })
  }
}

/** Whose texts the caller may delete: its account’s; null where nobody is known. Who has signed in may, too. @throws ApiError */
export function ownerOf(caller: Caller): string | null {
  if (caller.kind !== 'session') requireKey(caller)
  return callerAccount(caller)
}

/** @throws ApiError when a call is not the owner’s. */
export async function ownCalls(sql: Sql, ids: readonly string[], owner: string | null): Promise<string[]> {
  const { rows } = await sql.query<{ id: string }>(
    `select id from receipt where id = any($1) and ($2::text is null or consumer = $2)
     union select id from job_run where id = any($1) and kind = 'infer' and ($2::text is null or requested_by = $2 or lower(input->>'consumer') = $2)`,
    [ids, owner],
  )
  const own = new Set(rows.map(({ id }) => id))
  const other = ids.find((id) => !own.has(id))
  if (other === undefined) return [...own]
  throw new ApiError('RECEIPT_NOT_FOUND', `You have no call ${other.slice(0, 80)}. Query \`receipts\` for yours.`)
}

/** The oldest calls with texts: receipts that are no evidence, those that may be, and calls without a receipt, some of each. `isCut`: there may be more. */
async function callsBefore(sql: Sql, before: Date, owner: string | null): Promise<{ calls: string[]; isCut: boolean }> {
  const receipts = (evidence: string) =>
    `select id from receipt where ($1::text is null or consumer = $1) and answered_at < $2 and texts_removed_at is null and ${evidence}
       order by answered_at limit ${BATCH}`
  const jobs = `select id from job_run where ($1::text is null or requested_by = $1) and kind = 'infer' and finished_at < $2 and texts_removed_at is null
       and not exists (select 1 from receipt where receipt.id = job_run.id and receipt.texts_removed_at is null) order by finished_at limit ${BATCH}`
  const calls = new Set<string>()
  let isCut = false
  for (const query of [receipts('not (is_open and fee > 0)'), receipts('is_open and fee > 0'), jobs]) {
    const { rows } = await sql.query<{ id: string }>(query, [owner, before])
    for (const { id } of rows) calls.add(id)
    isCut ||= rows.length === BATCH
  }
  return { calls: [...calls], isCut }
}

async function withTexts(sql: Sql, ids: readonly string[]): Promise<string[]> {
  const { rows } = await sql.query<{ id: string }>(
    `select id from receipt where id = any($1) and texts_removed_at is null
     union select id from job_run where id = any($1) and kind = 'infer' and texts_removed_at is null order by id`,
    [ids],
  )
  return rows.map(({ id }) => id)
}
