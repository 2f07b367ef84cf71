import { Ctx, FieldResolver, Resolver, Root, registerEnumType } from 'type-graphql'
import {
  PROPOSAL_STATES,
  type ProposalState,
  proposalState,
  quorumOf,
  quorumVotes,
  type Proposal as Rule,
  type Vote,
} from '#rules/tally.ts'
import { GovernorSetting, Proposal } from '#schema/onchain/governance.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../context.ts'
import { tableFor } from '../names.ts'
import type { Moment } from '../query/moment.ts'
import { AT, type Row } from '../query/page.ts'

const States = Object.fromEntries(PROPOSAL_STATES.map((state) => [state, state]))
registerEnumType(States, { name: 'ProposalState', description: 'The states of OpenZeppelin’s Governor.' })

/** Clock values above this are seconds since 1970; below it, block numbers. */
const SECONDS_FROM = 1_000_000_000

type ProposalRow = Row & Proposal

@Resolver(() => Proposal)
export class ProposalFacts {
  @FieldResolver(() => States, {
    nullable: true,
    description:
      'The state that the Governor would report at the moment asked for, worked out from the votes, the quorum and the clock. Null while the quorum is not known.',
  })
  async state(@Root() row: ProposalRow, @Ctx() context: ApiContext): Promise<ProposalState | null> {
    const quorum = await quorumOfRow(row, context)
    const { block, time } = row[AT]
    if (block === null || quorum === null) return null
    return proposalState(ruleOf(row, quorum), votesOf(row), { block: BigInt(block), time: seconds(time) })
  }

  @FieldResolver(() => BigIntScalar, {
    nullable: true,
    description: 'For + Abstain needed: as fixed at the snapshot or, before it, as it would be now.',
  })
  quorumNeeded(@Root() row: ProposalRow, @Ctx() context: ApiContext): Promise<bigint | null> {
    return quorumOfRow(row, context)
  }

  @FieldResolver(() => Boolean, {
    nullable: true,
    description: 'Whether For + Abstain reach the quorum. Null while the quorum is not known.',
  })
  async quorumReached(@Root() row: ProposalRow, @Ctx() context: ApiContext): Promise<boolean | null> {
    const quorum = await quorumOfRow(row, context)
    if (quorum === null) return null
    return quorumVotes({ for: row.forVotes, against: row.againstVotes, abstain: row.abstainVotes }) >= quorum
  }
}

const seconds = (time: Date | null) => BigInt(Math.floor((time?.getTime() ?? 0) / 1000))

/** The row is what the chain says at its moment, so whatever happened has happened by then. */
function ruleOf(row: ProposalRow, quorum: bigint): Rule {
  return {
    clock: row.voteStart > SECONDS_FROM ? 'timestamp' : 'block',
    created: 0n,
    snapshot: BigInt(row.voteStart),
    deadline: BigInt(row.voteEnd),
    quorum,
    ...(row.eta && { queued: { block: 0n, eta: seconds(row.eta) } }),
    ...(row.executed && { executed: 0n }),
    ...(row.canceled && { canceled: 0n }),
  }
}

const votesOf = (row: ProposalRow): Vote[] =>
  [row.againstVotes, row.forVotes, row.abstainVotes].map((weight, support) => ({
    voter: '',
    support,
    weight,
    block: 0n,
  }))

/** The quorum written down at the snapshot. While none is, supply and fraction have not changed since, so that what they are at the
 *  moment gives it. */
async function quorumOfRow(row: ProposalRow, { reader }: ApiContext): Promise<bigint | null> {
  if (row.quorum !== null) return row.quorum
  const setting = (id: string) => readSetting(row[AT], id, reader)
  const [supply, numerator] = await Promise.all([setting('totalSupply'), setting('quorumNumerator')])
  return supply === null || numerator === null ? null : quorumOf(supply, numerator)
}

async function readSetting(moment: Moment, id: string, reader: ApiContext['reader']): Promise<bigint | null> {
  const table = tableFor(GovernorSetting)
  const row = await reader.one('quorum', table, moment, table.columns, id)
  return row && /^\d+$/.test(String(row.value)) ? BigInt(String(row.value)) : null
}
