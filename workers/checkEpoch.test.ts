import { expect, test } from 'vitest'
import { ArtifactError, folderObjects } from '#schema/artifacts/index.ts'
import type { RewardMapDocument } from '#schema/documents.ts'
import { must } from '#test/must.ts'
import { checkEpoch, UnpublishedEpochError } from './checkEpoch.ts'
import { computeEpoch } from './epoch.ts'
import { digitHash, epochRows, openedReceipt, people } from './test/epochRows.ts'

async function published() {
  const system = await epochRows()
  const usage = [await system.put({ epoch: 1, receipts: [openedReceipt()] })]
  const map = await computeEpoch(system.sources, { epoch: 1, usage, absent: [] })
  await system.publish(map)
  return { ...system, usage, map }
}

test('a map that follows from the chain and its documents is right', async () => {
  const { sources, map } = await published()
  expect(await checkEpoch(sources, 1)).toEqual({
    epoch: 1,
    root: map.root,
    recomputedRoot: map.root,
    difference: null,
  })
})

test('every change of a map is found, and named', async () => {
  const { sources, map, publish, put } = await published()
  const [leaf, ...leaves] = map.leaves as [RewardMapDocument['leaves'][0], ...RewardMapDocument['leaves']]
  const [line, ...lines] = map.lines as [RewardMapDocument['lines'][0], ...RewardMapDocument['lines']]
  const debt = { account: people.alice, amount: '5', to: null, reason: 'none' }
  const changes: [Partial<RewardMapDocument>, RegExp][] = [
    [{ lines: [{ ...line, amount: '1' }, ...lines] }, /^platform of/],
    [{ lines: [{ ...line, weight: '1' }, ...lines] }, /^platform of/],
    [{ lines }, /^platform of/],
    [{ leaves: [{ ...leaf, cumulative: '1' }, ...leaves] }, /^leaf of/],
    [{ carried: [{ versionId: '2', pot: 'data', amount: '5' }] }, /^carried in data of version 2/],
    [{ debts: [debt] }, /^debt of/],
    [{ total: '5' }, /^total$/],
    [{ root: digitHash('1') }, /^root$/],
    [{ blockHash: digitHash('1') }, /^blockHash$/],
    [{ toBlock: 21 }, /^toBlock$/],
    [{ fromBlock: 6 }, /^fromBlock$/],
    [{ epoch: 2 }, /^epoch$/],
    [{ chainId: 1 }, /^chainId$/],
    [{ distributor: people.alice }, /^distributor$/],
    [{ usage: [] }, /^answers of/],
  ]
  for (const [change, place] of changes) {
    await publish(map, { uri: await put({ ...map, ...change }) })
    const { difference } = await checkEpoch(sources, 1)
    expect(difference?.place).toMatch(place)
  }
  for (const [row, place] of [
    [{ root: digitHash('1') }, 'root'],
    [{ total: 99_999n }, 'total'],
    [{ blockHash: digitHash('1') }, 'blockHash'],
    [{ uri: 'https://elsewhere' }, 'the document of the map'],
    [{ uri: await put({ no: 'map' }) }, 'the document of the map'],
  ] as const) {
    await publish(map, row)
    expect((await checkEpoch(sources, 1)).difference?.place).toBe(place)
  }
})

test('an artifact that is missing makes the map impossible to check, not wrong', async () => {
  const { sources, map, folder, usage, child, publish } = await published()
  for (const name of [must(usage[0]), child, await publish(map)]) {
    const bytes = await sources.artifacts.get(name)
    await folderObjects(folder).delete(name)
    const checked = checkEpoch(sources, 1)
    await expect(checked).rejects.toThrow(ArtifactError)
    await expect(checked).rejects.toThrow(name)
    await folderObjects(folder).put(name, bytes)
  }
  expect((await checkEpoch(sources, 1)).difference).toBe(null)
})

test('an artifact that is listed as absent counts as absent only if it cannot be read', async () => {
  const { sources, folder, usage, child, publish } = await published()
  const map = await computeEpoch(sources, { epoch: 1, usage, absent: [child] })
  await publish(map)
  expect((await checkEpoch(sources, 1)).difference).not.toBe(null)
  await folderObjects(folder).delete(child)
  expect((await checkEpoch(sources, 1)).difference).toBe(null)
})

test('an epoch without a published map', async () => {
  const { sources } = await published()
  await expect(checkEpoch(sources, 2)).rejects.toThrow(UnpublishedEpochError)
})
