import { expect, test } from 'vitest'
import { computeEpoch } from '#epochs/epoch.ts'
import { leavesOf } from '#epochs/epochMapOf.ts'
import { storePages } from '#epochs/mapPages.ts'
import { epochRows, openedReceipt, parties } from '#epochs/test/epochRows.ts'
import { verifyProof } from '#rules/merkle.ts'
import type { ArtifactStore } from '#schema/artifacts/index.ts'
import { account } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { testApi } from '../test/api.ts'

const EXPLAIN = `query ($account: String!, $epoch: ID!) {
  explainReward(account: $account, epoch: $epoch) { earned cumulative reasons { role kind sourceId versionId amount pot weight whole } } }`
const WITHOUT = `query ($epoch: ID!, $without: CounterfactualInput!) {
  counterfactual(epoch: $epoch, without: $without) { account actual without difference } }`

/** @param pageEntries publishes the map in pages of so many entries */
async function published(pageEntries?: number) {
  const { sql: db, sources, publish, bundle, put } = await epochRows()
  const usage = [await bundle({ epoch: 1, receipts: [openedReceipt()] })]
  const map = await computeEpoch(sources, { epoch: 1, usage, absent: [] })
  const artifacts = sources.artifacts as ArtifactStore
  await publish(map, { uri: await put(await storePages(artifacts, map, pageEntries)) })
  const deployment = { ...sources.deployment, pageEntries }
  return { map, ...(await testApi({ db, artifacts, deployment })) }
}

test('each amount of an account is explained, and the amounts sum to what it earned', async () => {
  const { ask, map } = await published()
  for (const { account, cumulative } of map.leaves) {
    const { data } = await ask(EXPLAIN, { account, epoch: '1' })
    const { earned, reasons, ...rest } = data.explainReward
    expect(rest.cumulative).toBe(cumulative)
    expect(earned).toBe(cumulative)
    expect(reasons.reduce((sum: bigint, one: { amount: string }) => sum + BigInt(one.amount), 0n)).toBe(BigInt(earned))
    for (const { amount, pot, weight, whole } of reasons)
      expect(BigInt(amount)).toBe((BigInt(pot) * BigInt(weight)) / BigInt(whole))
  }
  const kinds = (await ask(EXPLAIN, { account: parties.alice, epoch: '1' })).data.explainReward.reasons
  expect(kinds).toContainEqual(expect.objectContaining({ role: 'answers', kind: 'contribution', sourceId: '1' }))
  expect((await ask(EXPLAIN, { account: account(999), epoch: '1' })).data.explainReward).toBeNull()
})

test('a map in pages is explained and claimed from like any other', async () => {
  const { ask, map } = await published(2)
  const { root, chainId, distributor, epoch } = map
  const of = { chain: BigInt(chainId), distributor: distributor as `0x${string}`, epoch: BigInt(epoch) }
  const proof = `query ($account: String!) { rewardProof(account: $account, epoch: 1) { cumulative proof } }`
  for (const leaf of map.leaves) {
    const { data } = await ask(EXPLAIN, { account: leaf.account, epoch: '1' })
    const lines = map.lines.filter((line) => line.account === leaf.account)
    expect(data.explainReward.reasons.map(({ amount }: { amount: string }) => amount)).toEqual(
      lines.map(({ amount }) => amount),
    )
    const proven = (await ask(proof, { account: leaf.account })).data.rewardProof
    expect(proven.cumulative).toBe(leaf.cumulative)
    expect(verifyProof(root as `0x${string}`, must(leavesOf([leaf], of)[0]), proven.proof)).toBe(true)
  }
  expect((await ask(proof, { account: account(999) })).data.rewardProof).toBeNull()
  expect((await ask(EXPLAIN, { account: account(999), epoch: '1' })).data.explainReward).toBeNull()
})

test('without a contribution its author earns less, and the others what it had', async () => {
  const { ask } = await published()
  const { data } = await ask(WITHOUT, { epoch: '1', without: { contribution: '1' } })
  const [first, ...others] = data.counterfactual
  const sum = data.counterfactual.reduce(
    (total: bigint, one: { difference: string }) => total + BigInt(one.difference),
    0n,
  )
  expect([first, ...others].find(({ account }) => account === parties.alice)).toMatchObject({ without: '0' })
  expect(others.length).toBeGreaterThan(0)
  expect(sum).toBeLessThan(4n) // what flooring leaves
  expect(sum).toBeGreaterThan(-4n)
  const judged = await ask(WITHOUT, { epoch: '1', without: { judgement: { taskId: '1', validator: parties.judge } } })
  expect(judged.data.counterfactual).toContainEqual(
    expect.objectContaining({ account: parties.judge, without: '0', actual: '8100' }),
  )
})

test('without an original its refused duplicate earns in its place', async () => {
  const { ask, map } = await published()
  const { data } = await ask(WITHOUT, { epoch: '1', without: { duplicate: { original: '1', duplicate: '4' } } })
  const actual = map.leaves.find(({ account }) => account === parties.alice)?.cumulative
  const bob = data.counterfactual.find(({ account }: { account: string }) => account === parties.bob)
  expect(data.counterfactual).toContainEqual(expect.objectContaining({ account: parties.alice, actual, without: '0' }))
  expect(BigInt(bob.without) - BigInt(bob.actual)).toBe(BigInt(actual ?? 0))
})

test.each([
  [{ epoch: '2', without: { contribution: '1' } }, 'UNKNOWN_REWARD_MAP'],
  [{ epoch: '9'.repeat(30), without: { contribution: '1' } }, 'UNKNOWN_REWARD_MAP'],
  [{ epoch: '1', without: {} }, 'BAD_INPUT'],
  [{ epoch: '1', without: { contribution: '1', duplicate: { original: '1', duplicate: '2' } } }, 'BAD_INPUT'],
  [{ epoch: '1', without: { contribution: '77' } }, 'BAD_INPUT'],
  [{ epoch: '1', without: { judgement: { taskId: '1', validator: 'me' } } }, 'BAD_INPUT'],
])('%j is refused with %s', async (variables, code) => {
  const { ask } = await published()
  expect((await ask(WITHOUT, variables)).errors?.[0]?.extensions.code).toBe(code)
})
