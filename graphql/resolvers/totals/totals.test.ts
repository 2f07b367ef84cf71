import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Receipt, VersionInfluence } from '#schema/offchain/attribution.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { RewardLine } from '#schema/offchain/ledger.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { FeedbackTask, Judgement, Reputation, Validator } from '#schema/onchain/feedback.ts'
import { Redemption } from '#schema/onchain/market.ts'
import { ModelVersion } from '#schema/onchain/models.ts'
import { RewardClaim, RewardMap } from '#schema/onchain/rewards.ts'
import { account, countTotals, insert, insertAll, insertChain } from '#test/factory.ts'
import { testApi } from '../../test/api.ts'

const TOTALS =
  'account contributions accepted rejected excluded quality uniqueness staked slashed weight earned claimed'

test('the contributors who earned most come first, whatever junk stands beside them', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 1000)
  const earners = [1, 2, 3, 4, 5].map(account)
  await insertAll(
    db,
    Contribution,
    earners.map((contributor, n) => ({ id: `${n + 1}`, contributor, status: 'Accepted' as const, quality: 900_000 })),
  )
  const junk = Array.from({ length: 400 }, (_, n) => ({
    ...{ id: `${n + 100}`, contributor: account(1000 + n), fromBlock: 500 + n },
    ...{ status: 'Rejected' as const, quality: 0, uniqueness: 0 },
  }))
  await insertAll(db, Contribution, junk)
  await insert(db, RewardMap, { id: '1', epoch: 1, status: 'Published' })
  await insertAll(
    db,
    RewardLine,
    earners.map((holder, n) => ({ id: `1-${n}`, mapId: '1', account: holder, role: 'data', amount: BigInt(n + 1) })),
  )
  await countTotals(db)
  const { data } = await ask(
    `{ contributors(first: 5) { totalCount nodes { account earned quality reasons { role amount } } pageInfo { hasNextPage } } }`,
  )
  expect(data.contributors.totalCount).toBe(405)
  expect(data.contributors.pageInfo.hasNextPage).toBe(true)
  expect(data.contributors.nodes).toEqual(
    [5, 4, 3, 2, 1].map((n) => ({
      ...{ account: account(n), earned: `${n}`, quality: 900_000 },
      reasons: [{ role: 'data', amount: `${n}` }],
    })),
  )
  const early = await ask('{ contributors(asOf: { block: 400 }, orderBy: contributions) { totalCount } }')
  expect(early.data.contributors.totalCount).toBe(5)
})

const person = fc.integer({ min: 1, max: 6 }).map(account)
const state = fc.record({
  status: fc.constantFrom('Submitted' as const, 'Accepted' as const, 'Rejected' as const),
  excluded: fc.boolean(),
  score: fc.option(fc.record({ quality: fc.integer({ min: 0, max: 9 }), uniqueness: fc.integer({ min: 0, max: 9 }) })),
  stake: fc.bigInt({ min: 0n, max: 2n ** 200n }),
  slashed: fc.bigInt({ min: 0n, max: 3n }),
})
const samples = fc.array(
  fc.record({
    contributor: person,
    weight: fc.integer({ min: 0, max: 3 }),
    fromBlock: fc.integer({ min: 1, max: 10 }),
    states: fc.array(state, { minLength: 1, maxLength: 3 }),
  }),
  { maxLength: 40 },
)
const lines = fc.array(
  fc.record({ account: person, amount: fc.bigInt({ min: 0n, max: 4n }), mapId: fc.constantFrom('1', '2') }),
  { maxLength: 20 },
)

test('pages of contributors, in every order, equal an independent computation over random rows', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 10)
  await insertAll(db, RewardMap, [
    { id: '1', epoch: 1, status: 'Published', fromBlock: 4 },
    { id: '2', epoch: 2, status: 'Cancelled' },
  ])
  const orders = ['earned', 'accepted', 'contributions'] as const
  await fc.assert(
    fc.asyncProperty(
      samples,
      lines,
      fc.constantFrom(...orders),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 0, max: 10 }),
      async (made, paid, order, size, block) => {
        await db.query('truncate contribution, version_influence, reward_line, reward_claim')
        const rows = made.flatMap(({ contributor, fromBlock, states }, n) =>
          states.map(({ score, ...values }, later) => ({
            ...{ ...values, ...score, id: `${n}`, contributor, fromBlock: fromBlock + later },
            toBlock: later === states.length - 1 ? null : fromBlock + later + 1,
          })),
        )
        await insertAll(db, Contribution, rows)
        await insertAll(
          db,
          VersionInfluence,
          made.map(({ weight }, n) => ({ id: `1-${n}`, versionId: '1', contributionId: `${n}`, weight })),
        )
        await insertAll(
          db,
          RewardLine,
          paid.map((line, n) => ({ ...line, id: `${line.mapId}-${n}` })),
        )
        await insertAll(
          db,
          RewardClaim,
          paid.map((line, n) => ({ ...line, id: `${n}`, fromBlock: 5 })),
        )
        await countTotals(db)
        const visible = rows.filter(
          ({ fromBlock, toBlock }) => fromBlock <= block && (toBlock === null || toBlock > block),
        )
        const sum = (values: readonly bigint[]) => values.reduce((a, b) => a + b, 0n)
        const mine = <T extends { account: string }>(some: readonly T[], holder: string) =>
          some.filter((one) => one.account === holder)
        const expected = [...new Set(visible.map(({ contributor }) => contributor))].map((holder) => {
          const own = visible.filter(({ contributor }) => contributor === holder)
          const mean = (of: 'quality' | 'uniqueness') => {
            const values = own.flatMap((one) => one[of] ?? [])
            return values.length ? Math.round(values.reduce((a, b) => a + b, 0) / values.length) : null
          }
          return {
            account: holder,
            contributions: own.length,
            accepted: own.filter(({ status }) => status === 'Accepted').length,
            rejected: own.filter(({ status }) => status === 'Rejected').length,
            excluded: own.filter(({ excluded }) => excluded).length,
            quality: mean('quality'),
            uniqueness: mean('uniqueness'),
            staked: `${sum(own.map(({ stake }) => stake))}`,
            slashed: `${sum(own.map(({ slashed }) => slashed))}`,
            weight: `${sum(own.map(({ id }) => BigInt(made[Number(id)]?.weight ?? 0)))}`,
            earned: `${block < 4 ? 0n : sum(mine(paid, holder).flatMap(({ mapId, amount }) => (mapId === '1' ? amount : [])))}`,
            claimed: `${block < 5 ? 0n : sum(mine(paid, holder).map(({ amount }) => amount))}`,
          }
        })
        const keys = [order, ...orders.filter((one) => one !== order)]
        expected.sort((a, b) => {
          for (const key of keys) if (a[key] !== b[key]) return BigInt(a[key]) < BigInt(b[key]) ? 1 : -1
          return a.account < b.account ? -1 : 1
        })
        const found: object[] = []
        for (let after: string | null = null, pages = 0; pages < 10; pages++) {
          const query = `query ($after: String) { contributors(orderBy: ${order}, first: ${size}, after: $after, asOf: { block: ${block} }) { totalCount nodes { ${TOTALS} } pageInfo { hasNextPage endCursor } } }`
          const { data, errors } = await ask(query, { after })
          expect(errors).toBeUndefined()
          expect(data.contributors.totalCount).toBe(expected.length)
          found.push(...data.contributors.nodes)
          if (!data.contributors.pageInfo.hasNextPage) break
          after = data.contributors.pageInfo.endCursor
        }
        expect(found).toEqual(expected)
        const holder = account(3)
        const one = await ask(`{ contributor(account: "${holder}", asOf: { block: ${block} }) { ${TOTALS} } }`)
        const known = expected.find(({ account: of }) => of === holder)
        if (known) expect(one.data.contributor).toEqual(known)
        else expect(one.data.contributor).toMatchObject({ account: holder, contributions: 0, staked: '0', weight: '0' })
      },
    ),
    { numRuns: 40 },
  )
  for (const after of ['x', 'W10', Buffer.from('["Contributor:earned","1","1","1","0x"]').toString('base64url')]) {
    const { errors } = await ask('query ($after: String) { contributors(after: $after) { totalCount } }', { after })
    expect(errors?.[0]?.extensions.code).toBe('BAD_CURSOR')
  }
})

test('validators and versions have totals over all rows, as of any block', async () => {
  const { db, ask } = await testApi({ auth: 'keys' })
  await insertChain(db, 20)
  const [me, other] = [account(1), account(2)]
  await insertAll(db, Validator, [{ id: me }, { id: other }])
  await insertAll(db, Reputation, [
    { id: `${me}-triage`, validator: me, domain: 'triage', value: 5 },
    { id: `${me}-code`, validator: me, domain: 'code', value: 7, fromBlock: 9 },
  ])
  await insertAll(db, ModelVersion, [{ id: '1' }, { id: '2' }])
  const tasks = Array.from({ length: 300 }, (_, n) => ({ id: `${n + 1}`, versionId: '1' }))
  await insertAll(db, FeedbackTask, tasks)
  await insertAll(
    db,
    Judgement,
    tasks.map(({ id }, n) => ({
      ...{ id: `${id}-${me}`, taskId: id, validator: me, fromBlock: n < 100 ? 1 : 10 },
      ...{ choice: n % 2 ? 1 : null, score: n % 3 ? 5 : null, reward: 2n ** 100n, penalty: 1n },
    })),
  )
  await insertAll(db, Contribution, [
    { id: '1', contributor: me },
    { id: '2', contributor: me },
    { id: '3', contributor: other, fromBlock: 10 },
  ])
  await countTotals(db)
  await insertAll(db, VersionInfluence, [
    { id: '1-1', versionId: '1', contributionId: '1', weight: 4 },
    { id: '1-2', versionId: '1', contributionId: '2', weight: 0 },
    { id: '1-3', versionId: '1', contributionId: '3', weight: 5 },
  ])
  await insertAll(db, JobRun, [{ id: 'r', kind: 'infer' }])
  await insert(db, Receipt, { id: 'r', jobId: 'r', versionId: '1', consumer: other, fee: 77n })
  await insertAll(db, Redemption, [
    { id: 'a', versionId: '1', amount: 2n ** 90n },
    { id: 'b', versionId: '1', amount: 5n, fromBlock: 12 },
  ])
  await insertAll(db, RewardMap, [
    { id: '1', epoch: 1, status: 'Published' },
    { id: '2', epoch: 2, status: 'Open' },
  ])
  await insertAll(db, RewardLine, [
    { id: '1-1', mapId: '1', account: me, role: 'owner', source: 'version:1', amount: 10n },
    {
      id: '1-2',
      mapId: '1',
      account: me,
      role: 'data',
      source: 'contribution:1',
      amount: 3n,
      inputs: { versionId: '1' },
    },
    { id: '2-1', mapId: '2', account: other, role: 'owner', source: 'version:1', amount: 1000n },
  ])
  const query = (asOf: string) => `{
    validators(orderBy: [{ field: id }] ${asOf}) { nodes { totals { judgements revealed settled reward penalty } reputations { domain value } } }
    modelVersions(orderBy: [{ field: id }] ${asOf}) { nodes { totals { samples contributors judgements validators calls redeemed paid paidAccounts } } } }`
  const { data, errors } = await ask(query(''))
  expect(errors).toBeUndefined()
  const nothing = { judgements: 0, revealed: 0, settled: 0, reward: '0', penalty: '0' }
  expect(data.validators.nodes).toEqual([
    {
      totals: { judgements: 300, revealed: 150, settled: 200, reward: `${300n * 2n ** 100n}`, penalty: '300' },
      reputations: [
        { domain: 'code', value: 7 },
        { domain: 'triage', value: 5 },
      ],
    },
    { totals: nothing, reputations: [] },
  ])
  const paid = { paid: '13', paidAccounts: 1, calls: 1 }
  expect(data.modelVersions.nodes).toEqual([
    { totals: { ...paid, samples: 2, contributors: 2, judgements: 300, validators: 1, redeemed: `${2n ** 90n + 5n}` } },
    {
      totals: {
        ...{ samples: 0, contributors: 0, judgements: 0, validators: 0 },
        ...{ calls: 0, redeemed: '0', paid: '0', paidAccounts: 0 },
      },
    },
  ])
  const early = (await ask(query('asOf: { block: 5 }'))).data
  expect(early.validators.nodes[0].totals).toMatchObject({ judgements: 100, revealed: 50 })
  expect(early.validators.nodes[0].reputations).toEqual([{ domain: 'triage', value: 5 }])
  expect(early.modelVersions.nodes[0].totals).toMatchObject({ samples: 1, judgements: 100, redeemed: `${2n ** 90n}` })
})
