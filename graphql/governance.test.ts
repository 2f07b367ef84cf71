import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stateOfStored } from '#rules/storedProposal.ts'
import type { Database } from '#schema/database.ts'
import { Governor, GovernorSetting, Holder, Proposal, Vote } from '#schema/onchain/governance.ts'
import { account, blockTime, chain, insert, insertAll } from '#test/factory.ts'
import { type TestApi, testApi } from './test/api.ts'

/** Every metric, restated naively over the same rows held in memory, on random histories and at random moments. */

const HEAD = 40
const TOKEN = account(0x70)
const GOVERNOR = account(0x60)
const PEOPLE = [1, 2, 3, 4, 5, 6].map(account)

interface Version {
  fromBlock: number
  toBlock: number | null
}
type Power = Version & { account: string; votes: bigint; balance: bigint; delegate: string | null }
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
interface World {
  clock: 'Timestamp' | 'BlockNumber'
  counting: 'ForAbstain' | 'For' | 'All'
  followed: boolean
  powers: Power[]
  supply: (Version & { value: bigint })[]
  terms: Terms[]
  ballots: Ballot[]
}

const amount = fc.oneof(fc.constant(0n), fc.bigInt(1n, 12n), fc.bigInt(1n, 10n ** 24n))

/** Versions of one thing that change at some blocks, the last of them open. */
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

const world: fc.Arbitrary<World> = fc.record({
  clock: fc.constantFrom('Timestamp' as const, 'BlockNumber' as const),
  counting: fc.constantFrom('ForAbstain' as const, 'For' as const, 'All' as const),
  followed: fc.boolean().map((one) => one || true),
  powers: fc
    .tuple(
      ...PEOPLE.map((who) =>
        versions(
          fc.record({ votes: amount, balance: amount, delegate: fc.option(fc.constantFrom(...PEOPLE), { freq: 4 }) }),
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

const clockOf = ({ clock }: World, block: number) =>
  clock === 'BlockNumber' ? block : blockTime(block).getTime() / 1000
const at = <T extends Version>(all: readonly T[], block: number) =>
  all.filter(({ fromBlock, toBlock }) => fromBlock <= block && (toBlock === null || toBlock > block))

const QUORUM = 50n
const side = (ballots: readonly Ballot[], support: number) =>
  ballots.filter((one) => one.support === support).reduce((sum, { weight }) => sum + weight, 0n)

/** The versions of the proposal's row: one for every block in which something about it happened. */
function proposalVersions(one: World, nth: number) {
  const { start, end, canceledAt } = one.terms[nth]!
  const ballots = one.ballots.filter(({ proposal }) => proposal === nth)
  const changes = [1, ...ballots.map(({ block }) => block), ...(canceledAt === null ? [] : [canceledAt])]
  const blocks = [...new Set(changes)].sort((a, b) => a - b)
  return blocks.map((fromBlock, i) => {
    const cast = ballots.filter(({ block }) => block <= fromBlock)
    return {
      id: String(nth),
      governorId: GOVERNOR,
      onChainId: String(nth),
      proposer: PEOPLE[nth]!,
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

async function store(db: Database, one: World) {
  for (const { entity } of [Governor, GovernorSetting, Holder, Proposal, Vote].map((entity) => ({ entity })))
    await db.query(
      `delete from "${entity.name === 'GovernorSetting' ? 'governor_setting' : entity.name.toLowerCase()}"`,
    )
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

const PPM = 1_000_000n
const share = (part: bigint | number, whole: bigint | number) =>
  BigInt(whole) > 0n ? Number((BigInt(part) * PPM) / BigInt(whole)) : null
const total = (all: readonly bigint[]) => all.reduce((sum, one) => sum + one, 0n)

/** By definition: walks over the sorted list, and compares every pair. */
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

const QUERY = `query ($asOf: AsOf) {
  governors(asOf: $asOf) { nodes {
    votes: concentration(tops: [1, 2, 9]) { accounts total nakamoto gini topShares { top amount share } }
    balances: concentration(of: Balances, tops: [1]) { accounts total nakamoto gini topShares { top amount share } }
    voters { account power voted weight for against abstained eligible participation decided withOutcome agreement proposed }
    delegations(delegates: 2) { delegates { account votes own received delegators } edges { delegator delegate amount } undelegated delegated }
  } }
  proposals(asOf: $asOf, orderBy: [{ field: id }]) { nodes {
    id contentiousness turnout { votes voters supply share }
    concentration(tops: [1]) { accounts total nakamoto gini topShares { top amount share } }
    participationBySize { from to accounts voted power votedPower }
  } }
  holders(asOf: $asOf, orderBy: [{ field: id }]) { nodes { account powerHistory { block votes balance delegate } } }
}`

function expected(one: World, block: number) {
  const powers = at(one.powers, block)
  const cast = (nth: number) => one.ballots.filter((ballot) => ballot.proposal === nth && ballot.block <= block)
  const snapshot = (nth: number) => Math.min(one.terms[nth]!.start, block)
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
    const row = at(proposalVersions(one, nth), block)[0]!
    return stateOfStored(row, rules, QUORUM, { block, time: blockTime(block) })
  })
  const records = PEOPLE.map((who) => {
    const on = one.terms.flatMap((_, nth) => {
      const ballots = cast(nth).filter(({ voter }) => voter === who)
      const sides = [...new Set(ballots.map(({ support }) => support))]
      return ballots.length
        ? [{ nth, weight: total(ballots.map(({ weight }) => weight)), side: sides.length === 1 ? sides[0]! : -1 }]
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
      ({ nth, side: chosen }) => chosen >= 0 && chosen <= 1 && ['Succeeded', 'Defeated'].includes(states[nth]!),
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
    .filter(({ balance, delegate }) => balance > 0n && greatest.some(({ account: who }) => who === delegate))
    .sort(
      falling<Power>(
        ({ balance }) => balance,
        ({ account: who }) => who,
      ),
    )
  const held = (some: readonly Power[]) => String(total(some.map(({ balance }) => balance)))
  return {
    governors: {
      nodes: [
        {
          votes: concentration(
            powers.map(({ votes }) => votes),
            [1, 2, 9],
          ),
          balances: concentration(
            powers.map(({ balance }) => balance),
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
            edges: edges.map(({ account: from, delegate, balance }) => ({
              delegator: from,
              delegate,
              amount: String(balance),
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
              power.delegate !== before.delegate
            )
          })
          const point = ({ fromBlock, votes, balance, delegate }: Power) => ({
            block: fromBlock,
            votes: String(votes),
            balance: String(balance),
            delegate,
          })
          return { account: who, powerHistory: told.map(point).reverse() }
        }),
    },
  }
}

async function house(): Promise<TestApi> {
  const api = await testApi()
  await chain(api.db, HEAD)
  return api
}

test('every metric is what its definition says, on any history and at any moment', async () => {
  const { db, ask } = await house()
  await fc.assert(
    fc.asyncProperty(world, fc.integer({ min: 1, max: HEAD }), async (one, block) => {
      await store(db, one)
      const { data, errors } = await ask(QUERY, { asOf: { block } })
      expect(errors).toBeUndefined()
      expect(data).toEqual(expected(one, block))
    }),
    { numRuns: 40, seed: 20261120 },
  )
}, 60_000)
