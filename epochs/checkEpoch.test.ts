import { expect, test, vi } from 'vitest'
import { ArtifactError, folderObjects } from '#schema/artifacts/index.ts'
import { must } from '#test/must.ts'
import { checkEpoch } from './checkEpoch.ts'
import { computeEpoch } from './epoch.ts'
import { UnpublishedEpochError } from './epochSources.ts'
import { epochRows, openedReceipt, parties } from './test/epochRows.ts'
import { tamperings } from './test/tamperings.ts'

async function published() {
  const system = await epochRows()
  const usage = [await system.bundle({ epoch: 1, receipts: [openedReceipt()] })]
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
    hidden: [],
  })
})

test('every change of a map is found, and named', async () => {
  const { sources, map, publish, put } = await published()
  for (const { document, onChain = {}, place } of tamperings(map)) {
    await publish(map, { ...(document && { uri: await put(document) }), ...onChain })
    expect((await checkEpoch(sources, 1)).difference?.place).toMatch(place)
  }
})

test('an artifact that is missing makes the map impossible to check, not wrong', async () => {
  const { sources, map, folder, usage, child, publish } = await published()
  for (const name of [must(usage[0]).document, child, await publish(map)]) {
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

test('a map that is published with a bond may use usage documents, too: hosts have signed them', async () => {
  const { sources, map, publish } = await published()
  const bonded = { publisher: parties.bob, bond: 1n }
  for (const usage of [map.usage, []]) {
    await publish(await computeEpoch(sources, { epoch: 1, usage, absent: [] }), bonded)
    expect((await checkEpoch(sources, 1)).difference).toBe(null)
  }
})

test('artifacts that a map names although it does not need them are not read, and no document twice', async () => {
  const { sources, map, usage, put, publish, child } = await published()
  const other = await put({ any: 'thing' })
  await publish(map, { uri: await put({ ...map, usage: [...usage, ...usage], absent: [other, child] }) })
  const get = vi.spyOn(sources.artifacts, 'get')
  expect((await checkEpoch(sources, 1)).difference).toBe(null)
  const read = get.mock.calls.map(([name]) => name)
  expect(read).not.toContain(other)
  expect(read.filter((name) => name === usage[0]?.document)).toHaveLength(1)
})
