import { Arg, Ctx, Field, GraphQLISODateTime, ID, Int, ObjectType, Query, Resolver } from 'type-graphql'
import { databaseTime } from '#schema/database.ts'
import { declareEnum } from '#schema/declareEnum.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import { viewerOf } from '../confidential.ts'
import type { ApiContext } from '../context.ts'
import { ApiError } from '../errors.ts'

@ObjectType({ description: 'What calls of an hour or a day came to.', simpleResolvers: true })
export class Usage {
  @Field(() => GraphQLISODateTime, { description: 'When the hour or the day begins, in UTC.' }) time!: Date
  @Field(() => ID, {
    nullable: true,
    description: 'The key that called, by its SHA-256; null unless grouped by it, and for calls without a key.',
  })
  keyId!: string | null
  @Field(() => ID, { nullable: true, description: 'The endpoint that was called; null unless grouped by it.' })
  endpointId!: string | null
  @Field(() => String, { nullable: true, description: 'The account that pays; null unless grouped by it.' })
  consumer!: string | null
  @Field(() => Int, { description: 'How many calls were answered.' }) requests!: number
  @Field(() => BigIntScalar, { description: 'The tokens of their prompts.' }) tokensIn!: bigint
  @Field(() => BigIntScalar, { description: 'The tokens of their answers.' }) tokensOut!: bigint
  @Field(() => BigIntScalar, { description: 'What they cost, in wei.' }) fees!: bigint
}

const UsagePeriod = declareEnum('UsagePeriod', 'The length of the periods that usage is told by.', {
  hour: 'Each hour.',
  day: 'Each day in UTC.',
})
const UsageGroup = declareEnum('UsageGroup', 'What usage is divided by, beside its period.', {
  key: 'The key that called.',
  endpoint: 'The endpoint that was called.',
  consumer: 'The account that pays.',
})

const COLUMNS: Record<keyof typeof UsageGroup, { sql: string; name: string }> = {
  key: { sql: 'call.key_id', name: 'keyId' },
  endpoint: { sql: 'r.endpoint_id', name: 'endpointId' },
  consumer: { sql: 'r.consumer', name: 'consumer' },
}

const HOUR_MS = 3_600_000
const LENGTH_MS: Record<keyof typeof UsagePeriod, number> = { hour: HOUR_MS, day: 24 * HOUR_MS }
const MAX_PERIODS = 800
const MAX_ROWS = 5_000

@Resolver()
export class UsageResolver {
  @Query(() => [Usage], {
    description: `What answered calls came to by hour or day: the caller’s own, for a key or a session; all for operators. At most ${MAX_PERIODS} periods and ${MAX_ROWS} rows, in the order of time; periods without calls are left out.`,
    complexity: 200,
  })
  async usage(
    @Arg('every', () => UsagePeriod, { description: 'The length of the periods.' }) every: keyof typeof UsagePeriod,
    @Arg('from', () => GraphQLISODateTime, { description: 'Calls that were answered at this time or later.' })
    from: Date,
    @Arg('to', () => GraphQLISODateTime, {
      nullable: true,
      description: 'Calls that were answered before this time; absent: until now.',
    })
    to: Date | null,
    @Arg('by', () => [UsageGroup], { nullable: true, description: 'What the usage of a period is divided by.' })
    by: (keyof typeof UsageGroup)[] | null,
    @Arg('keyId', () => ID, { nullable: true, description: 'Only calls of this key, by its SHA-256.' })
    keyId: string | null,
    @Arg('endpointId', () => ID, { nullable: true, description: 'Only calls of this endpoint.' })
    endpointId: string | null,
    @Arg('consumer', () => String, { nullable: true, description: 'Only calls that this account pays.' })
    consumer: string | null,
    @Ctx() { caller, db }: ApiContext,
  ): Promise<Usage[]> {
    const viewer = viewerOf(caller)
    if (viewer === null)
      throw new ApiError('UNAUTHENTICATED', 'Send a key or a session: usage is told to its consumer.')
    const until = to ?? new Date((await databaseTime(db)).getTime() + HOUR_MS)
    if ((until.getTime() - from.getTime()) / LENGTH_MS[every] > MAX_PERIODS)
      throw new ApiError(
        'TOO_COMPLEX',
        `At most ${MAX_PERIODS} periods are told at once. Ask for a shorter time, or by day.`,
      )
    const groups = [...new Set(by ?? [])].map((name) => COLUMNS[name])
    const keys = groups.map(({ sql }) => `, ${sql}`).join('')
    const rows = await db.transaction(async (sql) => {
      await sql.query(`set local statement_timeout = '10s'`)
      return sql.query(
        `select date_trunc('${UsagePeriod[every]}', r.answered_at at time zone 'UTC') at time zone 'UTC' as time${groups.map(({ sql: column, name }) => `, ${column} as "${name}"`).join('')},
           count(*)::int as requests, sum(r.tokens_in)::text as "tokensIn", sum(r.tokens_out)::text as "tokensOut", sum(r.fee)::text as fees
         from receipt r left join key_call call on call.id = r.id
         where r.answered_at >= $1 and r.answered_at < $2 and ($3::text is null or r.consumer = $3) and ($4::text is null or r.consumer = $4)
           and ($5::text is null or call.key_id = $5) and ($6::text is null or r.endpoint_id = $6)
         group by 1${keys} order by 1${keys} limit ${MAX_ROWS + 1}`,
        [from, until, viewer === 'all' ? null : viewer, consumer?.toLowerCase() ?? null, keyId, endpointId],
      )
    })
    if (rows.rows.length > MAX_ROWS)
      throw new ApiError('TOO_COMPLEX', `There are more than ${MAX_ROWS} rows. Ask for a shorter time, or for one key.`)
    return rows.rows.map((row) => ({
      ...{ keyId: null, endpointId: null, consumer: null },
      ...row,
      ...{ tokensIn: BigInt(row.tokensIn), tokensOut: BigInt(row.tokensOut), fees: BigInt(row.fees) },
    })) as Usage[]
  }
}
