import type { GraphQLResolveInfo } from 'graphql'
import { GraphQLJSON } from 'graphql-scalars'
import { Arg, Ctx, Extensions, Field, FieldResolver, Info, Int, ObjectType, Query, Resolver, Root } from 'type-graphql'
import { declareEnum } from '#schema/declareEnum.ts'
import { tableOf } from '#schema/define.ts'
import { ContributorTotal } from '#schema/onchain/totals.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../../context.ts'
import { PageInfo } from '../../derive/connections.ts'
import { ApiError } from '../../errors.ts'
import { listLength, listLengthFrom } from '../../plugins/listLength.ts'
import type { AsOf } from '../../query/asOf.ts'
import { AS_OF_ARG, AsOfInput } from '../../query/asOfInput.ts'
import { encodeCursor, parseCursor } from '../../query/order.ts'
import { prepared } from '../../query/prepared.ts'
import { fieldsBelow } from '../../query/selection.ts'
import { Statement } from '../../query/statement.ts'
import { requireAddress } from '../../requireAddress.ts'
import { requestedSize } from '../governance/snapshot.ts'
import { claimedBy } from '../rewards.ts'
import {
  CONTRIBUTOR_KEYS,
  type ContributorKey,
  contributorSql,
  contributorsSql,
  reasonsSql,
  weightsSql,
} from './contributorsSql.ts'

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
  @Field(() => BigIntScalar, { description: 'Earnings in published reward maps, in all roles, in wei.' })
  earned!: bigint
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
    accepted: 'Accepted samples.',
    contributions: 'Submitted samples.',
  },
)

const EVERYBODY = { table: tableOf(ContributorTotal), where: {}, statistics: [] }

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
    const text = contributorSql(statement, address)
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
    const signature = `Contributor:${order}`
    const keys = after ? readCursor(signature, after) : undefined
    const asOf = await reader.asOf(asOfInput)
    const selected = fieldsBelow(info)
    const statement = new Statement(asOf)
    const isRead = selected.has('nodes') || selected.has('pageInfo')
    const text = contributorsSql(statement, { order, size: size + 1, after: keys })
    const rows = isRead ? (await db.query(prepared(text, statement.values))).rows : []
    const nodes = rows.slice(0, size).map((row): ContributorRecord & { keys: string[] } => ({ ...row, asOf }))
    const cursor = (row: { keys: string[] } | undefined) => (row ? encodeCursor({ signature }, row.keys) : null)
    return {
      nodes,
      pageInfo: {
        ...{ hasNextPage: rows.length > size, hasPreviousPage: keys !== undefined },
        ...{ startCursor: cursor(nodes[0]), endCursor: cursor(nodes.at(-1)) },
      },
      totalCount: async () => (await reader.aggregate(EVERYBODY, asOf))[0]?.count ?? 0,
    }
  }

  @FieldResolver(() => BigIntScalar, {
    description:
      'The sum of its attribution weights in all versions, each in ppm of the version. Always the present value.',
  })
  async weight(
    @Root() { account, asOf }: ContributorRecord,
    @Ctx() { reader }: ApiContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<bigint> {
    const found = await reader.forField<bigint>(info, asOf, account, async (accounts, statement) => {
      const { rows } = await reader.sql.query(prepared(weightsSql(statement, accounts), statement.values))
      return new Map(rows.map((row) => [row.account, row.weight]))
    })
    return found ?? 0n
  }

  @FieldResolver(() => BigIntScalar, { description: 'Of what it earned, claimed.' })
  claimed(@Root() { account, asOf }: ContributorRecord, @Ctx() { reader }: ApiContext): Promise<bigint> {
    return claimedBy(reader, asOf, account)
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
    const found = await reader.forField<EarningReason[]>(info, asOf, account, async (accounts, statement) => {
      const text = reasonsSql(statement, accounts, MAX_REASONS)
      const { rows } = await reader.sql.query(prepared(text, statement.values))
      return new Map(rows.map((row) => [row.account, row.reasons]))
    })
    return found ?? []
  }
}

/** @throws ApiError when the text is no cursor of this list in this order. */
function readCursor(signature: string, cursor: string): string[] {
  const [of, ...keys] = parseCursor(cursor) ?? []
  const numbers = keys.slice(0, -1)
  const areWhole = numbers.length === CONTRIBUTOR_KEYS.length && numbers.every((key) => /^-?\d{1,100}$/.test(key ?? ''))
  if (of !== signature || !areWhole || !/^0x[0-9a-f]{40}$/.test(keys.at(-1) ?? ''))
    throw new ApiError('BAD_CURSOR', 'The cursor cannot be read, or is of another order. Start again without it.')
  return keys as string[]
}
