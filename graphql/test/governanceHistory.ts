import fc from 'fast-check'
import type { Database } from '#schema/database.ts'
import { Governor, GovernorSetting, Holder, Proposal, Vote } from '#schema/onchain/governance.ts'
import { account, blockTime, insert, insertAll } from '#test/factory.ts'
import { must } from '#test/must.ts'

export const HEAD = 40
const TOKEN = account(0x70)
const GOVERNOR = account(0x60)
export const PEOPLE = [1, 2, 3, 4, 5, 6].map(account)

interface Version {
  fromBlock: number
  toBlock: number | null
}
export type Power = Version & {
  account: string
  votes: bigint
  balance: bigint
  locked: bigint | null
  delegate: string | null
}
interface Ballot {
  proposal: number
  voter: string
  support: number
  weight: bigint
  block: number
}
interface Terms {
  start: number
  end: number
  canceledAt: number | null
}
export interface GovernanceHistory {
  clock: 'Timestamp' | 'BlockNumber'
  counting: 'ForAbstain' | 'For' | 'All'
  powers: Power[]
  supply: (Version & { value: bigint })[]
  terms: Terms[]
  ballots: Ballot[]
}

const amount = fc.oneof(fc.constant(0n), fc.bigInt(1n, 12n), fc.bigInt(1n, 10n ** 24n))

/** Versions of one row that change at some blocks; the last version is open. */
const versions = <T>(value: fc.Arbitrary<T>) =>
  fc
    .uniqueArray(fc.record({ fromBlock: fc.integer({ min: 1, max: HEAD }), value }), {
      minLength: 1,
      maxLength: 4,
      selector: ({ fromBlock }) => fromBlock,
    })
    .map((all) => {
      const sorted = all.sort((a, b) => a.fromBlock - b.fromBlock)
      return sorted.map((one, i) => ({ ...one, toBlock: sorted[i + 1]?.fromBlock ?? null }))
    })

/** A random history of one governor over `HEAD` blocks. */
export const governanceHistory: fc.Arbitrary<GovernanceHistory> = fc.record({
  clock: fc.constantFrom('Timestamp' as const, 'BlockNumber' as const),
  counting: fc.constantFrom('ForAbstain' as const, 'For' as const, 'All' as const),
  powers: fc
    .tuple(
      ...PEOPLE.map((who) =>
        versions(
          fc.record({
            votes: amount,
            balance: amount,
            locked: fc.option(amount),
            delegate: fc.option(fc.constantFrom(...PEOPLE), { freq: 4 }),
          }),
        ).map((all) => all.map(({ value, ...range }) => ({ ...range, ...value, account: who }))),
      ),
    )
    .map((all) => all.flat()),
  supply: versions(fc.bigInt(0n, 10n ** 25n)),
  terms: fc.array(
    fc
      .record({
        start: fc.integer({ min: 2, max: HEAD }),
        length: fc.integer({ min: 1, max: 15 }),
        canceledAt: fc.option(fc.integer({ min: 2, max: HEAD }), { freq: 4 }),
      })
      .map(({ start, length, canceledAt }) => ({ start, end: start + length, canceledAt })),
    { minLength: 1, maxLength: 4 },
  ),
  ballots: fc.uniqueArray(
    fc.record({
      proposal: fc.nat(3),
      voter: fc.constantFrom(...PEOPLE),
      support: fc.constantFrom(0, 1, 1, 2, 255),
      weight: amount,
      block: fc.integer({ min: 2, max: HEAD }),
    }),
    { maxLength: 20, selector: ({ proposal, voter, block }) => `${proposal}${voter}${block}` },
  ),
})

const clockOf = ({ clock }: GovernanceHistory, block: number) =>
  clock === 'BlockNumber' ? block : blockTime(block).getTime() / 1000
export const at = <T extends Version>(all: readonly T[], block: number) =>
  all.filter(({ fromBlock, toBlock }) => fromBlock <= block && (toBlock === null || toBlock > block))

export const QUORUM = 50n
export const side = (ballots: readonly Ballot[], support: number) =>
  ballots.filter((one) => one.support === support).reduce((sum, { weight }) => sum + weight, 0n)

/** The versions of the proposal's row: one for every block with an event about it. */
export function proposalVersions(one: GovernanceHistory, nth: number) {
  const { start, end, canceledAt } = must(one.terms[nth])
  const ballots = one.ballots.filter(({ proposal }) => proposal === nth)
  const changes = [1, ...ballots.map(({ block }) => block), ...(canceledAt === null ? [] : [canceledAt])]
  const blocks = [...new Set(changes)].sort((a, b) => a - b)
  return blocks.map((fromBlock, i) => {
    const cast = ballots.filter(({ block }) => block <= fromBlock)
    return {
      id: String(nth),
      governorId: GOVERNOR,
      onChainId: String(nth),
      proposer: must(PEOPLE[nth]),
      voteStart: clockOf(one, start),
      voteEnd: clockOf(one, end),
      againstVotes: side(cast, 0),
      forVotes: side(cast, 1),
      abstainVotes: side(cast, 2),
      quorum: QUORUM,
      canceled: canceledAt !== null && canceledAt <= fromBlock,
      executed: false,
      eta: null,
      fromBlock,
      toBlock: blocks[i + 1] ?? null,
    }
  })
}

/** Replaces the previous history. */
export async function store(db: Database, one: GovernanceHistory) {
  await db.query('truncate governor, governor_setting, holder, proposal, proposal_content, vote')
  await insert(db, Governor, {
    id: GOVERNOR,
    token: TOKEN,
    clock: one.clock,
    counting: one.counting,
    quorumDenominator: 100n,
  })
  await insertAll(
    db,
    GovernorSetting,
    one.supply.map(({ value, ...range }) => ({
      ...range,
      id: 'totalSupply',
      name: 'totalSupply',
      contract: TOKEN,
      value: String(value),
    })),
  )
  await insertAll(
    db,
    Holder,
    one.powers.map((power) => ({ ...power, id: power.account, token: TOKEN })),
  )
  await insertAll(
    db,
    Proposal,
    one.terms.flatMap((_, nth) => proposalVersions(one, nth)),
  )
  const votes = one.ballots.filter(({ proposal }) => proposal < one.terms.length)
  await insertAll(
    db,
    Vote,
    votes.map(({ proposal, block, ...vote }) => ({
      ...vote,
      id: `${proposal}-${vote.voter}-${block}`,
      proposalId: String(proposal),
      fromBlock: block,
      castAt: blockTime(block),
    })),
  )
}
