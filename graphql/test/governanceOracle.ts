import { stateOfStored } from '#rules/storedProposal.ts'
import { blockTime } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { at, type GovernanceHistory, PEOPLE, type Power, proposalVersions, QUORUM, side } from './governanceHistory.ts'

const PPM = 1_000_000n
const share = (part: bigint | number, whole: bigint | number) =>
  BigInt(whole) > 0n ? Number((BigInt(part) * PPM) / BigInt(whole)) : null
const total = (all: readonly bigint[]) => all.reduce((sum, one) => sum + one, 0n)

/** By definition: iterates over the sorted list, and compares every pair. */
function concentration(some: readonly bigint[], tops: readonly number[]) {
  const all = some.filter((one) => one > 0n).sort((a, b) => (a > b ? -1 : a < b ? 1 : 0))
  const sum = total(all)
  let nakamoto = 0
  for (let k = 1; k <= all.length && !nakamoto; k++) if (total(all.slice(0, k)) * 2n > sum) nakamoto = k
  let apart = 0n
  for (const x of all) for (const y of all) apart += x > y ? x - y : y - x
  return {
    accounts: all.length,
    total: String(sum),
    nakamoto,
    gini: all.length ? Number((apart * PPM) / (2n * BigInt(all.length) * sum)) : null,
    topShares: all.length
      ? tops.map((top) => ({
          top,
          amount: String(total(all.slice(0, top))),
          share: share(total(all.slice(0, top)), sum),
        }))
      : [],
  }
}

/** The answer to the test's query as of the block, computed naively over the same rows in memory. */
/** The tokens that vote: the locked ones where votes need a lock. */
const unitsOf = ({ balance, locked }: Pick<Power, 'balance' | 'locked'>) => locked ?? balance

export function expected(one: GovernanceHistory, block: number) {
  const powers = at(one.powers, block)
  const cast = (nth: number) => one.ballots.filter((ballot) => ballot.proposal === nth && ballot.block <= block)
  const snapshot = (nth: number) => Math.min(must(one.terms[nth]).start, block)
  const proposals = one.terms.map((_, nth) => {
    const ballots = cast(nth)
    const sum = { for: side(ballots, 1), against: side(ballots, 0), abstain: side(ballots, 2) }
    const supply = at(one.supply, snapshot(nth))[0]?.value ?? null
    const votes = sum.for + sum.against + sum.abstain
    const both = sum.for + sum.against
    const then = at(one.powers, snapshot(nth)).filter(({ votes: held }) => held > 0n)
    const all = total(then.map(({ votes: held }) => held))
    const voters = [...new Set(ballots.map(({ voter }) => voter))]
    const bands = [0, 100, 1_000, 10_000, 100_000].map((from, i, every) => {
      const to = every[i + 1] ?? null
      const members = then.filter(({ votes: held }) => {
        const exact = held * PPM // of all, in millionths: from ≤ exact / all < to
        return exact >= BigInt(from) * all && (to === null || exact < BigInt(to) * all)
      })
      const active = members.filter(({ account: who }) => voters.includes(who))
      const power = (some: readonly Power[]) => String(total(some.map(({ votes: held }) => held)))
      return {
        from,
        to,
        accounts: members.length,
        voted: active.length,
        power: power(members),
        votedPower: power(active),
      }
    })
    return {
      id: String(nth),
      contentiousness: both ? Number(((sum.for < sum.against ? sum.for : sum.against) * 2n * PPM) / both) : null,
      turnout: {
        votes: String(votes),
        voters: voters.length,
        supply: supply === null ? null : String(supply),
        share: supply === null ? null : share(votes, supply),
      },
      concentration: concentration(
        voters.map((who) => total(ballots.filter(({ voter }) => voter === who).map(({ weight }) => weight))),
        [1],
      ),
      participationBySize: then.length ? bands : [],
    }
  })
  const rules = {
    clock: one.clock,
    counting: one.counting,
    quorumDenominator: 100n,
    fixedQuorum: null,
    gracePeriod: null,
  }
  const states = one.terms.map((_, nth) => {
    const row = must(at(proposalVersions(one, nth), block)[0])
    return stateOfStored(row, rules, QUORUM, { block, time: blockTime(block) })
  })
  const records = PEOPLE.map((who) => {
    const on = one.terms.flatMap((_, nth) => {
      const ballots = cast(nth).filter(({ voter }) => voter === who)
      const sides = [...new Set(ballots.map(({ support }) => support))]
      return ballots.length
        ? [{ nth, weight: total(ballots.map(({ weight }) => weight)), side: sides.length === 1 ? must(sides[0]) : -1 }]
        : []
    })
    const could = one.terms.flatMap(({ start, canceledAt }, nth) => {
      const open = start < block && (canceledAt === null || canceledAt > start)
      return open && at(one.powers, start).some(({ account: holder, votes }) => holder === who && votes > 0n)
        ? [nth]
        : []
    })
    const did = could.filter((nth) => on.some((vote) => vote.nth === nth)).length
    const decided = on.filter(
      ({ nth, side: chosen }) => chosen >= 0 && chosen <= 1 && ['Succeeded', 'Defeated'].includes(must(states[nth])),
    )
    const right = decided.filter(({ nth, side: chosen }) => (states[nth] === 'Succeeded') === (chosen === 1)).length
    const how = (support: number) => on.filter(({ side: chosen }) => chosen === support).length
    return {
      account: who,
      power: String(powers.find(({ account: holder }) => holder === who)?.votes ?? 0n),
      voted: on.length,
      weight: String(total(on.map(({ weight }) => weight))),
      for: how(1),
      against: how(0),
      abstained: how(2),
      eligible: could.length,
      participation: share(did, could.length),
      decided: decided.length,
      withOutcome: right,
      agreement: share(right, decided.length),
      proposed: one.terms.filter((_, nth) => PEOPLE[nth] === who).length,
    }
  })
  const falling =
    <T>(value: (one: T) => bigint, name: (one: T) => string) =>
    (a: T, b: T) =>
      value(a) > value(b) ? -1 : value(a) < value(b) ? 1 : name(a) < name(b) ? -1 : 1
  const greatest = powers
    .filter(({ votes }) => votes > 0n)
    .sort(
      falling<Power>(
        ({ votes }) => votes,
        ({ account: who }) => who,
      ),
    )
    .slice(0, 2)
  const edges = powers
    .filter(({ delegate, ...one }) => unitsOf(one) > 0n && greatest.some(({ account: who }) => who === delegate))
    .sort(falling<Power>(unitsOf, ({ account: who }) => who))
  const held = (some: readonly Power[]) => String(total(some.map(unitsOf)))
  return {
    governors: {
      nodes: [
        {
          votes: concentration(
            powers.map(({ votes }) => votes),
            [1, 2, 9],
          ),
          balances: concentration(
            powers.map(({ balance, locked }) => balance + (locked ?? 0n)),
            [1],
          ),
          voters: records
            .filter(({ voted }) => voted > 0)
            .sort(
              (a, b) =>
                b.voted - a.voted ||
                falling<typeof a>(
                  ({ weight }) => BigInt(weight),
                  (one) => one.account,
                )(a, b),
            ),
          delegations: {
            delegates: greatest.map(({ account: who, votes }) => {
              const to = edges.filter(({ delegate }) => delegate === who)
              const others = to.filter(({ account: from }) => from !== who)
              const own = held(to.filter(({ account: from }) => from === who))
              return { account: who, votes: String(votes), own, received: held(others), delegators: others.length }
            }),
            edges: edges.map(({ account: from, delegate, ...one }) => ({
              delegator: from,
              delegate,
              amount: String(unitsOf(one)),
            })),
            undelegated: held(powers.filter(({ delegate }) => delegate === null)),
            delegated: held(powers.filter(({ delegate }) => delegate !== null)),
          },
        },
      ],
    },
    proposals: { nodes: proposals },
    holders: {
      nodes: powers
        .sort((a, b) => (a.account < b.account ? -1 : 1))
        .map(({ account: who }) => {
          const mine = one.powers.filter((power) => power.account === who && power.fromBlock <= block)
          const told = mine.filter((power, i) => {
            const before = mine[i - 1]
            return (
              !before ||
              power.votes !== before.votes ||
              power.balance !== before.balance ||
              power.locked !== before.locked ||
              power.delegate !== before.delegate
            )
          })
          const point = ({ fromBlock, votes, balance, locked, delegate }: Power) => ({
            block: fromBlock,
            votes: String(votes),
            balance: String(balance),
            locked: locked === null ? null : String(locked),
            delegate,
          })
          return { account: who, powerHistory: told.map(point).reverse() }
        }),
    },
  }
}
