import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkEpoch } from '#epochs/checkEpoch.ts'
import { computeEpoch } from '#epochs/epoch.ts'
import { storePages } from '#epochs/mapPages.ts'
import { epochRows, openedReceipt } from '#epochs/test/epochRows.ts'
import { folderObjects, localStore } from '#schema/artifacts/index.ts'
import { temporaryFolder } from '#workers/test/testWorker.ts'
import { type MirroredEpoch, mirrorEpochs } from './mirrorEpochs.ts'

test('all artifacts of the published epochs are copied once, verified; a damaged copy is copied again', async () => {
  const { sources, bundle, publish, folder, parent, child } = await epochRows()
  const publishEpoch = async (epoch: number) => {
    const usage = await bundle({ epoch, receipts: [openedReceipt()] }, { epoch })
    const uri = await publish(await computeEpoch(sources, { epoch, usage: [usage], absent: [] }))
    return [usage.document, uri] as const
  }
  const [first, second] = [await publishEpoch(1), await publishEpoch(2)]
  const to = join(await temporaryFolder(), 'copy')
  const mirrored = async (epoch?: number) => {
    const epochs: MirroredEpoch[] = []
    for await (const one of mirrorEpochs(sources, to, epoch)) epochs.push(one)
    return epochs
  }
  expect(await mirrored(1)).toEqual([{ epoch: 1, copied: 4, present: 0 }])
  expect(await mirrored()).toEqual([
    { epoch: 1, copied: 0, present: 4 },
    { epoch: 2, copied: 2, present: 3 },
  ])
  const names = (await readdir(to, { recursive: true })).filter((name) => name.includes('0x'))
  expect(names.map((name) => name.slice(3)).sort()).toEqual([...first, ...second, parent, child].sort())
  const [usage, map] = second
  await writeFile(join(to, String(names.find((name) => name.endsWith(usage)))), 'damaged')
  expect((await mirrored(2))[0]).toEqual({ epoch: 2, copied: 1, present: 4 })
  for (const place of [to, folder]) await folderObjects(place).delete(map)
  expect(await mirrored(2)).toEqual([
    { epoch: 2, copied: 0, present: 0, problem: expect.stringContaining(`Artifact ${map} is not in`) },
  ])
  expect((await mirrored(7))[0]?.problem).toMatch(/Epoch 7 has no published reward map/)
})

test('the pages of a map are in the copy, from which a stranger verifies and settles, also where the publisher has none', async () => {
  const { sources: from, artifacts, publish, put, folder } = await epochRows()
  const sources = { ...from, deployment: { ...from.deployment, pageEntries: 2 } }
  const map = await computeEpoch(sources, { epoch: 1, usage: [], absent: [] })
  const document = await storePages(artifacts, map, 2)
  await publish(map, { uri: await put(document) })
  const names = [document.leaves, document.lines].flatMap((list) => (Array.isArray(list) ? [] : list.pages))
  expect(names.length).toBeGreaterThan(4)
  for (const name of names) await folderObjects(folder).delete(name)
  const to = join(await temporaryFolder(), 'copy')
  const epochs: MirroredEpoch[] = []
  for await (const one of mirrorEpochs(sources, to)) epochs.push(one)
  for await (const one of mirrorEpochs(sources, to)) epochs.push(one)
  const count = names.length + 3
  expect(epochs).toEqual([
    { epoch: 1, copied: count, present: 0 },
    { epoch: 1, copied: 0, present: count },
  ])
  const copy = { ...sources, artifacts: localStore(to) }
  expect(await checkEpoch(copy, 1)).toMatchObject({ difference: null })
  const second = await computeEpoch(copy, { epoch: 2, usage: [], absent: [] })
  expect(second.total).toBe('50000')
})
