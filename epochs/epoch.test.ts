import { expect, test } from 'vitest'
import { ArtifactError, ArtifactStoreError, folderObjects } from '#schema/artifacts/index.ts'
import { parseDocument } from '#schema/documents.ts'
import { IndexBehindError } from '#schema/errors.ts'
import { ModelVersion } from '#schema/onchain/models.ts'
import { rewardMapDocument, type WholeRewardMap } from '#schema/rewardMapDocument.ts'
import { blockHash, insertAll } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { computeEpoch, missingManifests, publishArguments } from './epoch.ts'
import { epochFacts } from './epochFacts.ts'
import { epochBlocks } from './epochSources.ts'
import { readerWithout } from './readArtifacts.ts'
import {
  cumulativeOf,
  digitHash,
  epochRows,
  hostKey,
  manifest,
  openedReceipt,
  parties,
  signUsage,
} from './test/epochRows.ts'

const { alice, asker, bob, distributor, host, judge, owner, treasury } = parties
const request = { epoch: 1, usage: [], absent: [] }

test('an epoch is computed from its redemptions, as of its last block', async () => {
  const { sources, bundle } = await epochRows()
  const usage = [await bundle({ epoch: 1, receipts: [openedReceipt()] })]
  const map = await computeEpoch(sources, { ...request, usage })
  expect(map).toMatchObject({ epoch: 1, chainId: 31337, distributor, fromBlock: 5, toBlock: 20, usage, absent: [] })
  expect(map.blockHash).toBe(blockHash(20))
  // 90,000 after the platform's share: 9,000 for version 1 (no part for the host there), 81,000 stay.
  const amounts = [treasury, owner, host, judge, alice, bob].map((who) => cumulativeOf(map, who))
  expect(amounts).toEqual([
    10_000 + 1_000, // the platform; version 1 has no judgement
    16_200 + 2_000,
    8_100,
    8_100,
    12_150 + 1_500, // half of the answers' part, by the opened receipt; a quarter of version 1's data
    24_300 + 12_150 + 4_500, // version 2's data, the part of the answers that nobody opened; the rest of version 1's
  ])
  expect(parseDocument(rewardMapDocument, new TextEncoder().encode(JSON.stringify(map))).success).toBe(true)
  expect(publishArguments(map, 'uri')).toEqual([1n, map.blockHash, map.root, 100_000n, 'uri', map.codeHash])
})

test('what is not accepted, or was excluded, earns nothing, and what happens later changes nothing', async () => {
  const { sql, sources } = await epochRows()
  const map = await computeEpoch(sources, request)
  expect(map.lines.filter(({ source }) => ['4', '5'].includes(source.id) && source.kind === 'contribution')).toEqual([])
  await sql.query('update contribution set to_block = 21 where id = $1', ['3'])
  await sql.query('update model_stake set from_block = 21')
  expect(await computeEpoch(sources, request)).toEqual(map)
})

test('usage documents that are none, or of another epoch, have no effect; one that is missing is an error', async () => {
  const { sources, bundle } = await epochRows()
  const plain = await computeEpoch(sources, request)
  const junk = [
    new TextEncoder().encode('{'),
    Uint8Array.of(0xff, 0xfe),
    new TextEncoder().encode(`\uFEFF${JSON.stringify({ epoch: 1, receipts: [openedReceipt()] })}`),
    { epoch: 2, receipts: [openedReceipt()] },
    { epoch: 1, receipts: [{ id: 'no receipt' }, null, 7] },
    { epoch: 1, receipts: [openedReceipt({ fee: '-1' })] },
    { epoch: 1, receipts: [openedReceipt({ fee: '9'.repeat(79) })] },
    { epoch: 1, receipts: [openedReceipt({ attribution: [{ contributionId: '1', mass: 0.5 }] })] },
    { epoch: 1, receipts: [openedReceipt({ id: 'é' })] },
    [],
    null,
  ]
  for (const one of junk) {
    const usage = [await bundle(one)]
    expect(await computeEpoch(sources, { ...request, usage })).toEqual({ ...plain, usage })
  }
  const missing = await signUsage(
    hostKey,
    { chainId: 31337, contract: distributor as `0x${string}` },
    1,
    digitHash('9'),
  )
  await expect(computeEpoch(sources, { ...request, usage: [missing] })).rejects.toThrow(ArtifactError)
  const read = await computeEpoch(sources, { ...request, usage: [missing], absent: [digitHash('9')] })
  expect(read.leaves).toEqual(plain.leaves)
})

test('an entry that is no receipt drops alone: the receipts beside it count', async () => {
  const { sources, bundle } = await epochRows()
  const documents = [
    { epoch: 1, receipts: [openedReceipt()] },
    { epoch: 1, receipts: [{ id: 'no receipt' }, openedReceipt(), openedReceipt({ id: 'r2', fee: '-1' }), null] },
  ]
  const [alone, among] = await Promise.all(
    documents.map(async (document) => computeEpoch(sources, { ...request, usage: [await bundle(document)] })),
  )
  expect(among?.lines).toEqual(alone?.lines)
  expect(alone?.lines.some(({ role }) => role === 'answers')).toBe(true)
})

test('a manifest that is no manifest, or absent, gives its version no weights and no judgements', async () => {
  const weightless = await epochRows({ child: manifest({}) })
  const { leaves } = await computeEpoch(weightless.sources, request)
  const [judged] = [leaves.find((leaf) => leaf.account === judge)]
  expect(judged).toBeUndefined()
  for (const child of [{ evidence: 'none' }, { evidence: [], weights: [{ contributionId: '3', weight: '1e9' }] }]) {
    const { sources } = await epochRows({ child })
    expect((await computeEpoch(sources, request)).leaves).toEqual(leaves)
  }
  const { sources, folder, child } = await epochRows()
  expect(await missingManifests(sources, 1)).toEqual([])
  await folderObjects(folder).delete(child)
  expect(await missingManifests(sources, 1)).toEqual([child])
  await expect(computeEpoch(sources, request)).rejects.toThrow(child)
  const map = await computeEpoch(sources, { ...request, absent: [child, child] })
  expect(map).toMatchObject({ leaves, absent: [child] })
})

test('weights that a manifest states twice, for nobody, or for contributions that do not exist', async () => {
  const weights = [
    ['3', '1'],
    ['3', '1000000'],
    ['99', '5'],
    ['2', '0'],
    ['9'.repeat(78), '9'.repeat(78)],
  ].map(([contributionId, weight]) => ({ contributionId, weight }))
  const { sources } = await epochRows({ child: { evidence: [digitHash('e'), digitHash('0')], weights } })
  const { sources: plain } = await epochRows({ child: manifest({ 3: 1 }, [digitHash('e')]) })
  expect((await computeEpoch(sources, request)).leaves).toEqual((await computeEpoch(plain, request)).leaves)
})

test('of what a manifest names, only what is on the chain stays in memory, however many versions have such a manifest', async () => {
  const nobody = Array.from({ length: 25_000 }, (_, index) => ({ contributionId: `7${index}`, weight: '5' }))
  const of = (id: string, weight: string) => ({ contributionId: id, weight })
  const weights = [...nobody, of('3', '0'), of('3', '1'), ...nobody, of('3', '9')]
  const evidence = [...Array(25_000).fill(digitHash('0')), digitHash('e'), digitHash('e')]
  const { sources } = await epochRows({ child: { evidence, weights } })
  const { sources: plain } = await epochRows({ child: manifest({ 3: 1 }, [digitHash('e')]) })
  const factsIn = async (given: typeof sources) =>
    epochFacts(given, await epochBlocks(given, 1), [], readerWithout(given.artifacts, new Set()))
  const facts = await factsIn(sources)
  expect(facts).toEqual(await factsIn(plain))
  expect(facts.versions.flatMap((one) => one.weights)).toContainEqual({ contributionId: '3', weight: 1n })
  expect(facts.versions.some((one) => one.judgements.length > 0)).toBe(true)
})

test('a store that is away is not a missing artifact', async () => {
  const { sources } = await epochRows()
  const away = new ArtifactStoreError('unreachable', 'The store does not answer.')
  const artifacts = { get: () => Promise.reject(away) }
  await expect(missingManifests({ ...sources, artifacts }, 1)).rejects.toBe(away)
  await expect(computeEpoch({ ...sources, artifacts }, request)).rejects.toBe(away)
})

test('only eight generations of ancestors are read', async () => {
  const { sql, sources, parent } = await epochRows()
  await sql.query('update reward_split set ancestors = 3000')
  await sql.query('update model_version set parent_id = $1 where id = $2', ['11', '2'])
  const ids = Array.from({ length: 10 }, (_, i) => 11 + i)
  await insertAll(
    sql,
    ModelVersion,
    ids.map((id) => ({
      id: String(id),
      modelId: '1',
      parentId: String(id + 1),
      manifestHash: id < 19 ? parent : digitHash('7'),
    })),
  )
  const map = await computeEpoch(sources, request)
  expect(map.lines.some(({ versionId }) => versionId === '18')).toBe(true)
  expect(map.lines.some(({ versionId }) => versionId === '19')).toBe(false)
})

test('an epoch without fees has no map, one whose last block is not indexed has none yet', async () => {
  const { sql, sources } = await epochRows()
  await expect(computeEpoch(sources, { ...request, epoch: 3 })).rejects.toThrow(/No fees have arrived in epoch 3/)
  await expect(computeEpoch(sources, { ...request, epoch: 2 })).rejects.toThrow(/Epoch 1 is not published/)
  await sql.query('update cursor set block = 19')
  await expect(computeEpoch(sources, request)).rejects.toThrow(IndexBehindError)
})

test('an epoch goes on from the published map before; its carried wei and its leaves count', async () => {
  const { sources, publish } = await epochRows()
  const first = await computeEpoch(sources, request)
  await publish(first)
  const second = await computeEpoch(sources, { ...request, epoch: 2 })
  expect(second).toMatchObject({ fromBlock: 21, toBlock: 40, total: '50000' })
  expect(cumulativeOf(second, host)).toBe(8_100 + 4_050)
})

test('a document of the map before that cannot be the map on chain has no effect, whatever it states', async () => {
  const { sources, publish, put } = await epochRows()
  const first = await computeEpoch(sources, request)
  await publish(first)
  const right = await computeEpoch(sources, { ...request, epoch: 2 })
  const [leaf, ...others] = first.leaves as [WholeRewardMap['leaves'][0], ...WholeRewardMap['leaves']]
  const forged: Partial<WholeRewardMap>[] = [
    { leaves: [{ ...leaf, cumulative: '1' }, ...others] },
    { leaves: [...others, leaf] },
    { leaves: [leaf, leaf, ...others] },
    { leaves: [{ ...leaf, cumulative: '9'.repeat(78) }, ...others] },
    { carried: [{ versionId: '2', pot: 'owner', amount: '5' }] },
    { total: '99999' },
  ]
  for (const change of forged) {
    const uri = await put({ ...first, ...change })
    await publish(first, { uri })
    expect(await computeEpoch(sources, { ...request, epoch: 2 })).toEqual(right)
  }
  for (const uri of ['', 'ipfs://x', null, await put('junk'), await put({ ...first, debts: [{ account: alice }] })]) {
    await publish(first, { uri })
    expect(await computeEpoch(sources, { ...request, epoch: 2 })).toEqual(right)
  }
  await publish(first, { uri: digitHash('5') })
  expect(await missingManifests(sources, 2)).toEqual([digitHash('5')])
  await expect(computeEpoch(sources, { ...request, epoch: 2 })).rejects.toThrow(digitHash('5'))
  const absent = [digitHash('5')]
  expect(await computeEpoch(sources, { ...request, epoch: 2, absent })).toEqual({ ...right, absent })
})

test('a map that was published although it is wrong stops no later one', async () => {
  const { sources, publish } = await epochRows()
  const first = await computeEpoch(sources, request)
  await publish(first, { root: digitHash('1'), total: 7n })
  const second = await computeEpoch(sources, { ...request, epoch: 2 })
  expect(second.total).toBe('50000')
  expect(must(second.leaves.find((leaf) => leaf.account === host)).cumulative).toBe('12150')
  expect(second.leaves.some((leaf) => leaf.account === asker)).toBe(false)
})
