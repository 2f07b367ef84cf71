import type { GraphQLResolveInfo } from 'graphql'
import { Arg, Ctx, Field, FieldResolver, Info, Int, ObjectType, Resolver, Root } from 'type-graphql'
import { Governor } from '#schema/onchain/governance.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../../context.ts'
import { ApiError } from '../../errors.ts'
import { type LoadedRow, ROW_AS_OF } from '../../query/page.ts'
import type { Statement } from '../../query/statement.ts'
import { ppm } from './snapshot.ts'

@ObjectType({ description: 'Tokens that vote and have been held for a similar time.', simpleResolvers: true })
export class AgeBand {
  @Field(() => Int, { description: 'The band starts at this age, in seconds.' }) from!: number
  @Field(() => Int, { nullable: true, description: 'The band ends below this age; null for the highest band.' })
  to!: number | null
  @Field(() => Int, { description: 'The number of accounts with tokens in the band; one may be in several.' })
  accounts!: number
  @Field(() => BigIntScalar, { description: 'Their tokens in the band.' }) amount!: bigint
  @Field(() => Int, {
    nullable: true,
    description: 'Their share of all tokens that vote, in parts per million, rounded down. Null when none vote.',
  })
  share!: number | null
}

const DAY = 86_400
const DEFAULT_AGES = [30, 90, 365].map((days) => days * DAY)
const MAX_AGES = 10

@Resolver(() => Governor)
export class AgeResolver {
  @FieldResolver(() => [AgeBand], {
    nullable: true,
    description:
      'Voting power by the age of holding: the tokens of accounts with a delegate (locked ones, where votes need a lock) by how long they have been held, after the “HODL waves” of coins (D. Bansal, Unchained Capital, 2018). Accounts give away first what came last: of an account’s tokens, the smallest number that it held at the end of any block in the last t seconds is at least t old. A delegation to someone else changes no age. Null when the token is not followed.',
    complexity: 100,
  })
  async powerByAge(
    @Root() { token, [ROW_AS_OF]: asOf }: LoadedRow & Governor,
    @Arg('ages', () => [Int], {
      nullable: true,
      description: `The ages in seconds between the bands, rising: 30, 90 and 365 days when absent, at most ${MAX_AGES}.`,
    })
    given: number[] | null | undefined,
    @Ctx() { reader }: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<AgeBand[] | null> {
    const ages = given ?? DEFAULT_AGES
    if (ages.length > MAX_AGES || ages.some((age, place) => age <= (ages[place - 1] ?? 0)))
      throw new ApiError(
        'BAD_INPUT',
        `ages takes at most ${MAX_AGES} numbers of seconds from 1, each greater than the one before.`,
      )
    if (token === null) return null
    const found = await reader.forField<AgeBand[]>(info, asOf, token, async (tokens, statement) => {
      const { rows } = await reader.sql.query(agesSql(statement, tokens, ages), statement.values)
      const bands = new Map<string, AgeBand[]>()
      for (const { token: of, band, ...one } of rows)
        bands.set(of, [...(bands.get(of) ?? []), { from: ages[band - 1] ?? 0, to: ages[band] ?? null, ...one }])
      return bands
    })
    return (
      found ??
      [0, ...ages].map((from, place) => ({ from, to: ages[place] ?? null, accounts: 0, amount: 0n, share: null }))
    )
  }
}

/** `kept`: for each account, the smallest numbers of tokens since each age; the first is the present number. A version counts where it is visible at the
 *  end of any block since the last one that is that old; an account that came later kept nothing. */
function agesSql(statement: Statement, tokens: readonly string[], ages: readonly number[]): string {
  const now = statement.bind(statement.asOf.block, 'bigint')
  const time = statement.bind(statement.asOf.time, 'timestamptz')
  const since = ages.map(
    (age, place) =>
      `(select b.number from block b where b.timestamp <= ${time} - make_interval(secs => ${age}) order by b.timestamp desc, b.number desc limit 1) as since_${place}`,
  )
  const units = 'coalesce(h.locked, h.balance)'
  const ends = (after: string) => `(h.to_block is null or h.to_block > ${after})`
  const least = ages.map(
    (_, place) =>
      `case when bool_or(h.from_block <= since_${place} and ${ends(`since_${place}`)}) then min(${units}) filter (where ${ends(`since_${place}`)}) else 0 end`,
  )
  const oldest = ages.length ? `coalesce(since_${ages.length - 1}, 0)` : now
  return `with bounds as materialized (select ${['1', ...since].join(', ')}),
    kept as materialized (
      select h.token, array[sum(${units}) filter (where ${ends(now)}), ${[...least, '0'].join(', ')}] as amounts
      from holder h cross join bounds where h.token = any(${statement.bind(tokens, 'text[]')}) and h.from_block <= ${now} and ${ends(oldest)}
      group by ${['h.token', 'h.account', ...ages.map((_, place) => `since_${place}`)].join(', ')}
      having bool_or(h.delegate is not null) filter (where ${ends(now)})),
    summed as (
      select token, band, count(*) filter (where amounts[band + 1] > amounts[band + 2])::integer as accounts, sum(amounts[band + 1] - amounts[band + 2]) as amount
      from kept cross join generate_series(0, ${ages.length}) band group by token, band)
    select token, band, accounts, amount, ${ppm('amount', 'sum(amount) over (partition by token)')} as share from summed order by token, band`
}
