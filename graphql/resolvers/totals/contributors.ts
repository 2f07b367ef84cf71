import type { GraphQLResolveInfo } from 'graphql'
import { GraphQLJSON } from 'graphql-scalars'
import { Arg, Ctx, Extensions, Field, FieldResolver, Info, Int, ObjectType, Query, Resolver, Root } from 'type-graphql'
import { declareEnum } from '#schema/declareEnum.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../../context.ts'
import { PageInfo } from '../../derive/connections.ts'
import { ApiError } from '../../errors.ts'
import { listLength, listLengthFrom } from '../../plugins/listLength.ts'
import type { AsOf } from '../../query/asOf.ts'
import { AS_OF_ARG, AsOfInput } from '../../query/asOfInput.ts'
import { prepared } from '../../query/prepared.ts'
import { fieldKeyOf, fieldsBelow } from '../../query/selection.ts'
import { Statement } from '../../query/statement.ts'
import { requireAddress } from '../../requireAddress.ts'
import { requestedSize } from '../governance/snapshot.ts'
import { CONTRIBUTOR_KEYS, type ContributorKey, contributorsSql, reasonsSql } from './contributorsSql.ts'

@ObjectType({
  description: 'A reason for earnings: the amounts of one role from one source in one epoch.',
  simpleResolvers: true,
})
export class EarningReason {
  @Field(() => Int, { description: 'The epoch in which it was earned.' }) epoch!: number
  @Field(() => String, {
    description: 'For what it is paid: platform, owner, staker, data, validator, host, ancestor, unattributed.',
  })
  role!: string
  @Field(() => String, {
    description: 'What earned it, as `kind:id`: an endpoint, a version, a contribution or a task.',
  })
  source!: string
  @Field(() => BigIntScalar, { description: 'What it earned, in wei.' }) amount!: bigint
  @Field(() => GraphQLJSON, { description: 'The numbers from which the formula gave the amount.' }) inputs!: unknown
}

export const MAX_REASONS = 200

@ObjectType('Contributor', {
  description: 'The contributions of one account, their weight, and its earnings.',
  simpleResolvers: true,
})
export class ContributorRecord {
  @Field(() => String, { description: 'Whose record it is, in lower case.' }) account!: string
  @Field(() => Int, { description: 'Samples submitted.' }) contributions!: number
  @Field(() => Int, { description: 'Of these, accepted.' }) accepted!: number
  @Field(() => Int, { description: 'Of these, rejected.' }) rejected!: number
  @Field(() => Int, { description: 'Of these, excluded by an upheld dispute.' }) excluded!: number
  @Field(() => Int, {
    nullable: true,
    description: 'Mean quality of its scored samples, in ppm; null before the first.',
  })
  quality!: number | null
  @Field(() => Int, {
    nullable: true,
    description: 'Mean uniqueness of its scored samples, in ppm; null before the first.',
  })
  uniqueness!: number | null
  @Field(() => BigIntScalar, { description: 'The present stake on them, in wei.' }) staked!: bigint
  @Field(() => BigIntScalar, { description: 'Slashed from these stakes, in wei.' }) slashed!: bigint
  @Field(() => BigIntScalar, {
    description:
      'The sum of its attribution weights in all versions, each in ppm of the version. Always the present value.',
  })
  weight!: bigint
  @Field(() => BigIntScalar, { description: 'Earnings in published reward maps, in all roles, in wei.' })
  earned!: bigint
  @Field(() => BigIntScalar, { description: 'Of that, claimed.' }) claimed!: bigint
  asOf!: AsOf
}

@ObjectType('ContributorPage', {
  description: 'Some of the accounts that contributed, and where they stand among all.',
  simpleResolvers: true,
})
export class ContributorPage {
  @Field(() => [ContributorRecord], { description: 'The contributors of this page, in the requested order.' })
  nodes!: ContributorRecord[]
  @Field(() => PageInfo, { description: 'The position of the page among all contributors.' })
  pageInfo!: PageInfo
  @Field(() => Int, { description: 'The number of contributors; counted only when this field is selected.' })
  totalCount!: number | (() => Promise<number>)
}

const ContributorOrder = declareEnum<ContributorKey>(
  'ContributorOrder',
  'By what contributors are sorted, the largest first. The other values, in this order, and the account break ties.',
  {
    earned: 'Earnings in published reward maps.',
    weight: 'Attribution weight in versions.',
    accepted: 'Accepted samples.',
    contributions: 'Submitted samples.',
  },
)

@Resolver(() => ContributorRecord)
export class ContributorResolver {
  @Query(() => ContributorRecord, {
    description: 'The contributions of one account, their weight, and its earnings with the reasons.',
    complexity: 50,
  })
  async contributor(
    @Arg('account', () => String, { description: 'The account; one that contributed nothing has zeros.' })
    account: string,
    @Arg('asOf', () => AsOfInput, AS_OF_ARG) asOfInput: AsOfInput | undefined,
    @Ctx() { reader, db }: ApiContext,
  ): Promise<ContributorRecord> {
    const address = requireAddress('account', account)
    const asOf = await reader.asOf(asOfInput)
    const statement = new Statement(asOf)
    const text = contributorsSql(statement, { account: address })
    const [found] = (await db.query(prepared(text, statement.values))).rows
    if (!found) throw new Error('the statement returned no row for the account')
    return { ...found, asOf }
  }

  @Query(() => ContributorPage, {
    description:
      'All accounts that contributed, with their totals, the largest first. The totals cover all their samples and earnings.',
    complexity: 200,
  })
  @Extensions(listLengthFrom('first'))
  async contributors(
    @Arg('orderBy', () => ContributorOrder, { nullable: true, description: 'The order; `earned` when absent.' })
    orderBy: ContributorKey | undefined,
    @Arg('first', () => Int, { nullable: true, description: 'The number of accounts: 20 when absent, at most 1,000.' })
    first: number | undefined,
    @Arg('after', () => String, { nullable: true, description: 'Only accounts after this cursor.' })
    after: string | undefined,
    @Arg('asOf', () => AsOfInput, AS_OF_ARG) asOfInput: AsOfInput | undefined,
    @Ctx() { reader, db }: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<ContributorPage> {
    const order = orderBy ?? 'earned'
    const size = requestedSize('first', first)
    const keys = after ? readCursor(order, after) : undefined
    const asOf = await reader.asOf(asOfInput)
    const selected = fieldsBelow(info)
    const read = async (page: Parameters<typeof contributorsSql>[1]) => {
      const statement = new Statement(asOf)
      const text = contributorsSql(statement, page)
      return (await db.query(prepared(text, statement.values))).rows
    }
    const rows =
      selected.has('nodes') || selected.has('pageInfo') ? await read({ order, size: size + 1, after: keys }) : []
    const nodes = rows.slice(0, size).map((row): ContributorRecord & { keys: string[] } => ({ ...row, asOf }))
    const cursor = (row: { keys: string[] } | undefined) => (row ? writeCursor(order, row.keys) : null)
    return {
      nodes,
      pageInfo: {
        ...{ hasNextPage: rows.length > size, hasPreviousPage: keys !== undefined },
        ...{ startCursor: cursor(nodes[0]), endCursor: cursor(nodes.at(-1)) },
      },
      totalCount: async () => (await read({ count: true }))[0].count,
    }
  }

  @FieldResolver(() => [EarningReason], {
    description: `The reasons of its earnings, largest amounts first, at most ${MAX_REASONS}.`,
  })
  @Extensions(listLength(() => MAX_REASONS))
  async reasons(
    @Root() { account, asOf }: ContributorRecord,
    @Ctx() { reader }: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<EarningReason[]> {
    const loader = reader.batched<EarningReason[]>(`${fieldKeyOf(info)}@${asOf.block}`, async (accounts) => {
      const statement = new Statement(asOf)
      const text = reasonsSql(statement, accounts, MAX_REASONS)
      const { rows } = await reader.sql.query(prepared(text, statement.values))
      return new Map(rows.map((row) => [row.account, row.reasons]))
    })
    return (await loader.load(account)) ?? []
  }
}

const writeCursor = (order: ContributorKey, keys: readonly string[]) =>
  Buffer.from(JSON.stringify([order, ...keys])).toString('base64url')

/** @throws ApiError when the text is no cursor of this list in this order. */
function readCursor(order: ContributorKey, cursor: string): string[] {
  let read: unknown
  try {
    read = JSON.parse(Buffer.from(cursor.slice(0, 1000), 'base64url').toString('utf8'))
  } catch {}
  const [of, ...keys] = Array.isArray(read) ? read : []
  const numbers = keys.slice(0, -1)
  if (
    of !== order ||
    numbers.length !== CONTRIBUTOR_KEYS.length ||
    !numbers.every((key) => typeof key === 'string' && /^-?\d{1,100}$/.test(key)) ||
    !/^0x[0-9a-f]{40}$/.test(String(keys.at(-1)))
  )
    throw new ApiError('BAD_CURSOR', 'The cursor cannot be read, or is of another order. Start again without it.')
  return keys as string[]
}
