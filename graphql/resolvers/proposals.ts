import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql'
import { countedFor, declaresQuorum, quorumIn, stateOfStored, tallyOf } from '#rules/storedProposal.ts'
import { PROPOSAL_STATES, type ProposalState, quorumVotes } from '#rules/tally.ts'
import { describedEnum } from '#schema/describedEnums.ts'
import { Governor, GovernorSetting, Proposal } from '#schema/onchain/governance.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../context.ts'
import { tableFor } from '../publicTables.ts'
import type { AsOf } from '../query/asOf.ts'
import { type LoadedRow, ROW_AS_OF } from '../query/page.ts'
import type { Reader } from '../query/reader.ts'
import { Statement } from '../query/statement.ts'

const States = describedEnum('ProposalState', Object.fromEntries(PROPOSAL_STATES.map((state) => [state, state])))

type ProposalRow = LoadedRow & Proposal
type GovernorRow = LoadedRow & Governor

@Resolver(() => Proposal)
export class ProposalResolver {
  @FieldResolver(() => States, {
    nullable: true,
    description:
      'The state that the Governor would report at this point in the chain, computed from the votes, the quorum and the clock. Null when it depends on something that is not known: see `stateUnknown`.',
  })
  async state(@Root() row: ProposalRow, @Ctx() { reader }: ApiContext): Promise<ProposalState | null> {
    const governor = await governorOf(row, reader)
    const { block, clock, time } = row[ROW_AS_OF]
    if (block === null || !governor) return null
    if (governor.unfollowed !== null && !row.canceled && !row.executed) return null
    return stateOfStored(row, governor, await quorumOfRow(row, governor, reader), { block: clock ?? block, time })
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'Why `state` is null: what of its Governor is not known. Null where the state is known.',
  })
  async stateUnknown(@Root() row: ProposalRow, @Ctx() context: ApiContext): Promise<string | null> {
    if ((await this.state(row, context)) !== null) return null
    const governor = await governorOf(row, context.reader)
    const isKnown = governor && governor.unfollowed === null && governor.quorumUnknown === null
    return isKnown && governor.hasSuperQuorum && row.superQuorum === null
      ? 'Its super quorum is not known: the contract was not asked.'
      : whyNoQuorum(governor)
  }

  @FieldResolver(() => BigIntScalar, {
    nullable: true,
    description:
      'The quorum, in votes. Of the platform’s own Governor: the fraction of the supply at the snapshot (before the snapshot: of the present supply). Of any other: what its contract told, with the first ballot on the proposal or when the supply or the fraction changed after the snapshot. Null when none is known: see `quorumUnknown`.',
  })
  async quorumNeeded(@Root() row: ProposalRow, @Ctx() { reader }: ApiContext): Promise<bigint | null> {
    return quorumOfRow(row, await governorOf(row, reader), reader)
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'Why `quorumNeeded` is null. Null where the quorum is known.',
  })
  async quorumUnknown(@Root() row: ProposalRow, @Ctx() { reader }: ApiContext): Promise<string | null> {
    const governor = await governorOf(row, reader)
    return (await quorumOfRow(row, governor, reader)) === null ? whyNoQuorum(governor) : null
  }

  @FieldResolver(() => Boolean, {
    nullable: true,
    description:
      'Whether the votes that count toward the quorum (`governor.counting`) reach it. Null when the quorum is not known.',
  })
  async quorumReached(@Root() row: ProposalRow, @Ctx() { reader }: ApiContext): Promise<boolean | null> {
    const governor = await governorOf(row, reader)
    const quorum = await quorumOfRow(row, governor, reader)
    if (quorum === null || !governor) return null
    return quorumVotes(tallyOf(row), countedFor(governor)) >= quorum
  }
}

function whyNoQuorum(governor: GovernorRow | null): string {
  if (!governor) return 'Its Governor is not followed.'
  const why = governor.unfollowed ?? governor.quorumUnknown
  if (why !== null) return why
  return governor.askedAt === null
    ? 'Its quorum is not known: the Governor’s token is not followed, or the contract does not tell it.'
    : 'Its quorum is not known before its contract tells it, which may compute it in any way: with the first ballot on the proposal, or when the supply or the fraction changes after the snapshot.'
}

/** The proposal's Governor, read for all rows of a list in one statement. */
async function governorOf(row: ProposalRow, reader: Reader): Promise<GovernorRow | null> {
  const table = tableFor(Governor)
  return (await reader.one(
    'proposal.governor',
    table,
    row[ROW_AS_OF],
    table.columns,
    row.governorId,
  )) as GovernorRow | null
}

/** The quorum stored at the snapshot. Until it is stored, neither supply nor fraction has changed since, so the values as of this point give
 *  the quorum, where the Governor has none but the one that it declares. */
async function quorumOfRow(row: ProposalRow, governor: GovernorRow | null, reader: Reader): Promise<bigint | null> {
  if (governor && governor.unfollowed !== null) return null
  if (row.quorum !== null) return row.quorum
  if (!governor || !declaresQuorum(governor)) return null
  if (governor.token === null) return quorumIn(governor, null, null)
  const setting = (contract: string, name: string) => readSetting(row[ROW_AS_OF], contract, name, reader)
  const both = [setting(governor.token, 'totalSupply'), setting(governor.id, 'quorumNumerator')] as const
  return quorumIn(governor, ...(await Promise.all(both)))
}

async function readSetting(asOf: AsOf, contract: string, name: string, reader: Reader): Promise<bigint | null> {
  const loader = reader.batched<string>(`proposal.setting@${asOf.block}`, async (keys) => {
    const statement = new Statement(asOf)
    const { rows } = await reader.sql.query(
      `select contract || ' ' || name as key, value from governor_setting t
       where contract || ' ' || name = any(${statement.bind(keys, 'text[]')}) and ${statement.visibleAt(tableFor(GovernorSetting), 't')}`,
      statement.values,
    )
    return new Map(rows.map(({ key, value }) => [key, value]))
  })
  const value = await loader.load(`${contract} ${name}`)
  return value !== undefined && /^\d+$/.test(value) ? BigInt(value) : null
}
