import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Governor, Holder } from '#schema/onchain/governance.ts'
import { account, blockTime, insert, insertAll, insertChain } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { type TestApi, testApi } from './test/api.ts'
import {
  at,
  type GovernanceHistory,
  governanceHistory,
  HEAD,
  PEOPLE,
  type Power,
  store,
} from './test/governanceHistory.ts'

/** Voting blocs, overlaps of delegates and ages of holding, each compared with a naive computation over the same rows in memory. */

const OTHER = { id: account(0x61), token: account(0x71) }
const AGES = [12, 60, 180] // seconds; blocks are twelve apart

const QUERY = `query ($asOf: AsOfInput, $ages: [Int!]) { governors(asOf: $asOf, orderBy: [{ field: id }]) { nodes {
  id votingBlocs(proposals: 2) { proposals blocs accounts power largest inactive minEntropy entropy }
  delegateOverlap(delegates: 3) { governor delegates theirs shared jaccard overlap powerHere powerThere }
  powerByAge(ages: $ages) { from to accounts amount share }
} } }`

/** The history of a second Governor and its token is that of the first, told of other people. */
const others = (one: GovernanceHistory) =>
  one.powers.map((power) => ({ ...power, account: account(PEOPLE.indexOf(power.account) + 3) }))

async function house(): Promise<TestApi> {
  const api = await testApi()
  await insertChain(api.db, HEAD)
  return api
}

const sum = (all: readonly bigint[]) => all.reduce((total, one) => total + one, 0n)
const share = (part: bigint, whole: bigint) => (whole > 0n ? Number((part * 1_000_000n) / whole) : null)

function blocs(one: GovernanceHistory, block: number) {
  const voting = one.terms
    .map((term, nth) => ({ ...term, nth }))
    .filter(({ start, canceledAt }) => start < block && (canceledAt === null || canceledAt > block))
    .sort((a, b) => b.start - a.start || b.nth - a.nth)
    .slice(0, 2)
  const groups = new Map<string, bigint>()
  const holders = at(one.powers, block).filter(({ votes }) => votes > 0n)
  for (const { account: who, votes } of holders) {
    const choices = voting.map(({ nth }) => {
      const supports = one.ballots
        .filter((ballot) => ballot.proposal === nth && ballot.voter === who && ballot.block <= block)
        .map(({ support }) => support)
      return supports.length ? [...new Set(supports)].sort().join('+') : 'none'
    })
    const key = choices.join()
    groups.set(key, (groups.get(key) ?? 0n) + votes)
  }
  const powers = [...groups.values()]
  const total = sum(powers)
  const shares = powers.map((power) => Number((power * 10n ** 30n) / total) / 1e30)
  const empty = voting.map(() => 'none').join()
  return {
    proposals: holders.length ? voting.length : 0,
    blocs: powers.length,
    accounts: holders.length,
    power: String(total),
    largest: String(powers.reduce((most, power) => (power > most ? power : most), 0n)),
    inactive: String(groups.get(empty) ?? 0n),
    minEntropy: powers.length ? expect.closeTo(-Math.log2(Math.max(...shares)), 9) : null,
    entropy: powers.length ? expect.closeTo(sumOf(shares.map((p) => (p > 0 ? -p * Math.log2(p) : 0))), 9) : null,
  }
}

const sumOf = (all: readonly number[]) => all.reduce((total, one) => total + one, 0)

function overlap(mine: readonly Power[], theirs: readonly Power[], block: number, governor: string) {
  const ranked = (powers: readonly Power[]) =>
    at(powers, block)
      .filter(({ votes }) => votes > 0n)
      .sort((a, b) => (a.votes > b.votes ? -1 : a.votes < b.votes ? 1 : a.account < b.account ? -1 : 1))
  const [all, allTheirs] = [ranked(mine), ranked(theirs)]
  const [a, b] = [all.slice(0, 3), allTheirs.slice(0, 3)]
  const common = (one: Power) => a.some((x) => x.account === one.account) && b.some((y) => y.account === one.account)
  const shared = a.filter(common).length
  const votes = (some: readonly Power[]) => sum(some.map((one) => one.votes))
  const union = new Set([...a, ...b].map((one) => one.account)).size
  return [
    {
      governor,
      delegates: a.length,
      theirs: b.length,
      shared,
      jaccard: share(BigInt(shared), BigInt(union)),
      overlap: share(BigInt(shared), BigInt(Math.min(a.length, b.length))),
      powerHere: share(votes(a.filter(common)), votes(all)),
      powerThere: share(votes(b.filter(common)), votes(allTheirs)),
    },
  ]
}

/** Follows each account block by block: what leaves is taken from the newest lots. */
function ages(powers: readonly Power[], block: number) {
  const bands = [0, ...AGES].map((from, place) => ({ from, to: AGES[place] ?? null, accounts: 0, amount: 0n }))
  for (const who of new Set(powers.map((one) => one.account))) {
    const lots: { since: number; amount: bigint }[] = []
    for (let now = 1; now <= block; now++) {
      const held = at(powers, now).find((one) => one.account === who)
      let change = (held ? (held.locked ?? held.balance) : 0n) - sum(lots.map(({ amount }) => amount))
      if (change > 0n) lots.push({ since: now, amount: change })
      while (change < 0n) {
        const last = must(lots.pop())
        if (last.amount + change > 0n) lots.push({ ...last, amount: last.amount + change })
        change += last.amount
      }
    }
    if (!at(powers, block).some((one) => one.account === who && one.delegate !== null)) continue
    for (const band of bands) {
      const inBand = lots.filter(({ since }) => {
        const age = (blockTime(block).getTime() - blockTime(since).getTime()) / 1000
        return age >= band.from && (band.to === null || age < band.to)
      })
      const amount = sum(inBand.map((lot) => lot.amount))
      if (amount > 0n) band.accounts++
      band.amount += amount
    }
  }
  const total = sum(bands.map(({ amount }) => amount))
  return bands.map((band) => ({ ...band, amount: String(band.amount), share: share(band.amount, total) }))
}

test('blocs, overlaps and ages equal their definitions, on any history and as of any block', async () => {
  const { db, ask } = await house()
  await fc.assert(
    fc.asyncProperty(governanceHistory, fc.integer({ min: 1, max: HEAD }), async (one, block) => {
      await store(db, one)
      await insert(db, Governor, { ...OTHER, clock: one.clock, counting: one.counting, quorumDenominator: 100n })
      const theirs = others(one)
      await insertAll(
        db,
        Holder,
        theirs.map((power) => ({ ...power, id: `${OTHER.token}-${power.account}`, token: OTHER.token })),
      )
      const { data, errors } = await ask(QUERY, { asOf: { block }, ages: AGES })
      expect(errors).toBeUndefined()
      const [first, second] = data.governors.nodes
      expect(first.votingBlocs).toEqual(blocs(one, block))
      expect(first.delegateOverlap).toEqual(overlap(one.powers, theirs, block, OTHER.id))
      expect(second.delegateOverlap).toEqual(overlap(theirs, one.powers, block, first.id))
      expect(first.powerByAge).toEqual(ages(one.powers, block))
      expect(second.powerByAge).toEqual(ages(theirs, block))
      expect(second.votingBlocs).toMatchObject({ proposals: 0, blocs: second.votingBlocs.accounts ? 1 : 0 })
    }),
    { numRuns: 40, seed: 20261129 },
  )
})

test('without a followed token there are no blocs, overlaps and ages; wrong arguments are refused', async () => {
  const { db, ask } = await house()
  await insert(db, Governor, { id: account(1), token: null })
  const { data } = await ask(QUERY)
  expect(data.governors.nodes[0]).toMatchObject({ votingBlocs: null, delegateOverlap: [], powerByAge: null })
  const refused = async (field: string) => (await ask(`{ governors { nodes { ${field} } } }`)).errors?.[0]?.message
  expect(await refused('votingBlocs(proposals: 0) { blocs }')).toContain('from 1 to 100')
  expect(await refused('powerByAge(ages: [5, 5]) { amount }')).toContain('each greater than the one before')
  expect(await refused('delegateOverlap(delegates: 2000) { shared }')).toMatch(/delegates/)
})
