import type { GraphQLResolveInfo } from 'graphql'
import { Arg, Ctx, Field, FieldResolver, Info, Int, ObjectType, Resolver, Root } from 'type-graphql'
import { PPM } from '#rules/bps.ts'
import { describedEnum } from '#schema/describedEnums.ts'
import { Governor, Holder, Proposal, Vote } from '#schema/onchain/governance.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../../context.ts'
import { ApiError } from '../../errors.ts'
import { tableFor } from '../../publicTables.ts'
import { type LoadedRow, ROW_AS_OF } from '../../query/page.ts'
import type { Statement } from '../../query/statement.ts'

/** A holder's tokens, locked ones included. The token's own contract holds those that others have locked. */
const HELD = '(balance + coalesce(locked, 0))'
const IS_NO_LOCK = '(locked is null or account <> token)'

const Measures = describedEnum('PowerMeasure', { Votes: 'Votes', Balances: 'Balances' })

@ObjectType({ description: 'The combined share of the largest accounts.', simpleResolvers: true })
export class TopShare {
  @Field(() => Int, { description: 'The number of largest accounts.' }) top!: number
  @Field(() => BigIntScalar, { description: 'The amount that they hold; the total when there are fewer accounts.' })
  amount!: bigint
  @Field(() => Int, { description: 'Their share of the total in parts per million, rounded down.' }) share!: number
}

@ObjectType({
  description:
    'How unequally power is distributed among the accounts with a positive amount: x₁ ≥ x₂ ≥ … ≥ xₙ > 0, with the sum T. Accounts with 0 are left out.',
  simpleResolvers: true,
})
export class Concentration {
  @Field(() => Int, { description: 'n: the number of accounts with a positive amount.' }) accounts!: number
  @Field(() => BigIntScalar, { description: 'T: the sum.' }) total!: bigint
  @Field(() => Int, {
    description:
      'The Nakamoto coefficient: the smallest number of accounts that together have more than half, min k with 2·(x₁ + … + xₖ) > T. Exactly half is not enough. 0 when there are no accounts.',
  })
  nakamoto!: number
  @Field(() => Int, {
    nullable: true,
    description:
      'The Gini coefficient in parts per million, rounded down: Σ (n + 1 − 2k)·xₖ / (n·T). 0 when all accounts have the same amount, and for a single account; at most 1 − 1/n. Null when there are no accounts.',
  })
  gini!: number | null
  @Field(() => [TopShare], { description: 'The shares of the largest accounts; empty when there are no accounts.' })
  topShares!: TopShare[]
}

const TOPS = [1, 10, 100]
const MAX_TOPS = 20
const topsArg = {
  nullable: true,
  description: `The numbers of largest accounts to add up: 1, 10 and 100 when absent, at most ${MAX_TOPS} numbers, each at least 1.`,
} as const

@Resolver(() => Governor)
export class GovernorConcentrationResolver {
  @FieldResolver(() => Concentration, {
    nullable: true,
    description: 'The distribution of voting power, or of the token. Null when the token is not followed.',
    complexity: 50,
  })
  async concentration(
    @Root() { token, [ROW_AS_OF]: asOf }: LoadedRow & Governor,
    @Arg('of', () => Measures, { nullable: true, description: 'The measure: Votes when absent.' }) of:
      | string
      | undefined,
    @Arg('tops', () => [Int], topsArg) tops: number[] | null | undefined,
    @Ctx() { reader }: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<Concentration | null> {
    if (token === null) return null
    const amount = of === 'Balances' ? HELD : 'votes'
    const checked = checkTops(tops)
    const found = await reader.forField<Concentration>(info, asOf, token, (tokens, statement) => {
      const source = `select token as key, ${amount} as x from holder t
        where token = any(${statement.bind(tokens, 'text[]')}) and ${amount} > 0 and ${IS_NO_LOCK} and ${statement.visibleAt(tableFor(Holder), 't')}`
      return read(reader, statement, source, checked)
    })
    return found ?? NOBODY
  }
}

@Resolver(() => Proposal)
export class ProposalConcentrationResolver {
  @FieldResolver(() => Concentration, {
    description: 'The distribution of the cast weight among the voters; several ballots of one voter are added up.',
    complexity: 20,
  })
  async concentration(
    @Root() { id, [ROW_AS_OF]: asOf }: LoadedRow & Proposal,
    @Arg('tops', () => [Int], topsArg) tops: number[] | null | undefined,
    @Ctx() { reader }: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<Concentration> {
    const checked = checkTops(tops)
    const found = await reader.forField<Concentration>(info, asOf, id, (ids, statement) => {
      const source = `select proposal_id as key, sum(weight) as x from vote t
        where proposal_id = any(${statement.bind(ids, 'text[]')}) and ${statement.visibleAt(tableFor(Vote), 't')}
        group by proposal_id, voter having sum(weight) > 0`
      return read(reader, statement, source, checked)
    })
    return found ?? NOBODY
  }
}

const NOBODY: Concentration = { accounts: 0, total: 0n, nakamoto: 0, gini: null, topShares: [] }

function checkTops(given: readonly number[] | null | undefined): readonly number[] {
  const tops = given ?? TOPS
  if (tops.length > MAX_TOPS || tops.some((top) => top < 1))
    throw new ApiError('BAD_INPUT', `tops takes at most ${MAX_TOPS} numbers, each at least 1.`)
  return tops
}

/** `source` is SQL that selects `key` and `x > 0`; `k` is the rank, with 1 for the largest x. */
async function read(
  { sql }: { sql: ApiContext['reader']['sql'] },
  statement: Statement,
  source: string,
  tops: readonly number[],
): Promise<Map<string, Concentration>> {
  const amounts = tops.map((top) => `coalesce(sum(x) filter (where k <= ${statement.bind(top, 'integer')}), 0)`)
  const text = `with ranked as (
      select key, x, row_number() over w as k, sum(x) over (w rows unbounded preceding) as running,
        count(*) over (partition by key) as n, sum(x) over (partition by key) as total
      from (${source}) source window w as (partition by key order by x desc))
    select key, n::integer as accounts, total, min(k) filter (where running * 2 > total)::integer as nakamoto,
      div(sum((n + 1 - 2 * k) * x) * 1000000, n * total)::integer as gini, array[${amounts.join(', ')}]::text[] as amounts
    from ranked group by key, n, total`
  const { rows } = await sql.query(text, statement.values)
  return new Map(
    rows.map(({ key, amounts: found, ...rest }) => [
      key,
      {
        ...rest,
        topShares: tops.map((top, i) => {
          const amount = BigInt(found[i])
          return { top, amount, share: Number((amount * PPM) / rest.total) }
        }),
      },
    ]),
  )
}
