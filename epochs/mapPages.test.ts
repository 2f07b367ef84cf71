import { expect, test, vi } from 'vitest'
import { ArtifactError, folderObjects } from '#schema/artifacts/index.ts'
import { documentBytes } from '#schema/documents.ts'
import { Dispute } from '#schema/onchain/disputes.ts'
import type { RewardMap } from '#schema/onchain/rewards.ts'
import { MAX_PAGES, PAGE_ENTRIES, type RewardMapDocument, type WholeRewardMap } from '#schema/rewardMapDocument.ts'
import { insert } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { checkEpoch, keepIn } from './checkEpoch.ts'
import { computeEpoch, missingManifests } from './epoch.ts'
import { entriesOfAccount, storePages } from './mapPages.ts'
import { publishedMap } from './previousMap.ts'
import { readerOf } from './readArtifacts.ts'
import { digitHash, epochRows, openedReceipt, parties } from './test/epochRows.ts'
import { watchMaps } from './watchMaps.ts'

/** So few that the maps of `epochRows` have several pages of leaves and lines. */
const ENTRIES = 2
const request = { epoch: 1, usage: [], absent: [] }

/** The first epoch, published in pages. */
async function paged() {
  const system = await epochRows()
  const sources = { ...system.sources, deployment: { ...system.sources.deployment, pageEntries: ENTRIES } }
  const usage = [await system.bundle({ epoch: 1, receipts: [openedReceipt()] })]
  const map = await computeEpoch(sources, { epoch: 1, usage, absent: [] })
  const document = await storePages(system.artifacts, map, ENTRIES)
  /** Publishes the map with another document. */
  const publish = async (over: object = {}, onChain: Partial<RewardMap> = {}) =>
    system.publish(map, { uri: await system.put({ ...document, ...over }), ...onChain })
  await publish()
  return { ...system, sources, map, document, publish, usage }
}

const namesOf = (list: RewardMapDocument['leaves' | 'lines']) => must(Array.isArray(list) ? undefined : list.pages)
const lose = (folder: string, name: string) => folderObjects(folder).delete(name)

test('lists that are longer than a page are named, and a map in pages says what the map says', async () => {
  const { sources, map, document } = await paged()
  expect(map.leaves.length).toBeGreaterThan(2 * ENTRIES)
  expect(namesOf(document.leaves)).toHaveLength(Math.ceil(map.leaves.length / ENTRIES))
  expect(namesOf(document.lines)).toHaveLength(Math.ceil(map.lines.length / ENTRIES))
  expect(document.debts).toEqual([])
  expect(await checkEpoch(sources, 1)).toMatchObject({ difference: null })
  const read = readerOf(sources.artifacts)
  const published = must(await publishedMap(sources, 1, read))
  expect(published.leaves.map(({ account, cumulative }) => ({ account, cumulative: `${cumulative}` }))).toEqual(
    map.leaves,
  )
  const lines: WholeRewardMap['lines'] = []
  for await (const part of published.lines()) lines.push(...part)
  expect(lines).toEqual(map.lines)
  for (const list of ['leaves', 'lines'] as const)
    for (const who of [parties.alice, parties.treasury, parties.asker])
      expect(await entriesOfAccount(document, list, who, read)).toEqual(map[list].filter((one) => one.account === who))
})

test('maps with short lists stand in one document, whose bytes are what they were', async () => {
  const { artifacts, map } = await paged()
  expect(await storePages(artifacts, map)).toEqual(map)
  expect(PAGE_ENTRIES * MAX_PAGES).toBeGreaterThan(100_000_000)
})

test('each page of a false map is found, without reading any page that others name', async () => {
  const { sources, map, document, publish, artifacts, put } = await paged()
  const get = vi.spyOn(artifacts, 'get')
  for (const list of ['leaves', 'lines'] as const) {
    const names = namesOf(document[list])
    for (const [index, name] of names.entries()) {
      const page = map[list].slice(index * ENTRIES, (index + 1) * ENTRIES)
      const [first, ...others] = page.map((entry) => ({ ...entry }))
      const amount = list === 'leaves' ? { cumulative: '1' } : { amount: '1' }
      const wrong = await put([{ ...must(first), ...amount }, ...others])
      await publish({ [list]: { pages: names.with(index, wrong) } })
      const within = (await checkEpoch(sources, 1)).difference
      expect(within).toMatchObject({ published: expect.stringMatching(/^1\b/) })
      expect(within?.place).toContain(page[0]?.account)
      for (const other of [digitHash('7'), await put([]), await put('no page'), await put([...page, ...page])]) {
        await publish({ [list]: { pages: names.with(index, other) } })
        expect((await checkEpoch(sources, 1)).difference).not.toBe(null)
      }
      expect(name).not.toBe(wrong)
    }
    const counts: [string[], string][] = [
      [names.slice(0, -1), String(names.length - 1)],
      [[...names, must(names[0])], String(names.length + 1)],
      [[...names, ...Array<string>(MAX_PAGES - names.length).fill(digitHash('7'))], String(MAX_PAGES)],
    ]
    get.mockClear()
    for (const [pages, published] of counts) {
      await publish({ [list]: { pages } })
      const difference = { place: `the pages of the ${list}`, published, recomputed: String(names.length) }
      expect((await checkEpoch(sources, 1)).difference).toEqual(difference)
    }
    const read = new Set(get.mock.calls.map(([name]) => name))
    expect([...names, digitHash('7')].filter((name) => read.has(name))).toEqual([])
    for (const pages of [
      Array(MAX_PAGES + 1).fill(names[0]),
      names[0],
      ['x'],
      names.map((one) => ({ pages: [one] })),
    ]) {
      await publish({ [list]: { pages } })
      expect((await checkEpoch(sources, 1)).difference?.place).toBe('the document of the map')
    }
  }
})

test('a page that is a model is not read into memory: the map that names it is wrong', async () => {
  const { sources, document, publish, artifacts } = await paged()
  const model = digitHash('7')
  await publish({ leaves: { pages: namesOf(document.leaves).with(1, model) } })
  const get = artifacts.get.bind(artifacts)
  vi.spyOn(artifacts, 'get').mockImplementation(async (name, options) => {
    if (name !== model) return get(name, options)
    if (options?.maxBytes === undefined) throw new RangeError('File size (5368709120) is greater than 2 GiB')
    throw new ArtifactError('tooLarge', `Artifact ${name} is too large.`)
  })
  const difference = { place: 'page 2 of the leaves', published: model }
  expect(await checkEpoch(sources, 1)).toMatchObject({ difference })
  expect(await publishedMap(sources, 1, readerOf(artifacts))).toBeUndefined()
})

test('pages that a publisher withholds: the map is right, and whoever has checked it has them', async () => {
  const { sources, document, folder, artifacts, sql } = await paged()
  const second = await computeEpoch(sources, { ...request, epoch: 2 })
  const names = [...namesOf(document.leaves), ...namesOf(document.lines)]
  for (const name of names) await lose(folder, name)
  expect(await missingManifests(sources, 2)).toEqual([names[0]])
  await expect(computeEpoch(sources, { ...request, epoch: 2 })).rejects.toThrow(names[0])
  await sql.query(`update reward_map set published_at = to_timestamp(1900000000) where epoch = 1`)
  const keep = keepIn(artifacts)
  const watch = watchMaps({ ...sources, challengeWindow: 99, reopenTime: 99, now: async () => 1_900_000_000, keep })
  expect(await watch.round()).toMatchObject([{ verdict: 'right' }])
  for (const name of names) expect(await artifacts.has(name)).toBe(true)
  expect(await computeEpoch(sources, { ...request, epoch: 2 })).toEqual(second)
})

test('a map whose pages nobody has any more gives no state, if the next one says so, and stops nothing', async () => {
  const { sources, document, folder, publish } = await paged()
  const name = must(namesOf(document.leaves)[1])
  await lose(folder, name)
  const absent = [name]
  const second = await computeEpoch(sources, { ...request, epoch: 2, absent })
  await publish({ leaves: 'none' })
  expect(second).toEqual({ ...(await computeEpoch(sources, { ...request, epoch: 2 })), absent })
})

test('hostile pages of the map before give no state, and end the reading', async () => {
  const { sources, map, document, publish, put, artifacts } = await paged()
  await publish({ leaves: 'none' })
  const without = await computeEpoch(sources, { ...request, epoch: 2 })
  const names = namesOf(document.leaves)
  const get = vi.spyOn(artifacts, 'get')
  const leaf = must(map.leaves[0])
  for (const pages of [
    [...names].reverse(),
    Array<string>(MAX_PAGES).fill(must(names[0])),
    [names[0], await put([]), ...names.slice(1)],
    [await put([leaf]), ...names.slice(1)],
    [await put(map.leaves.slice(0, 2 * ENTRIES)), ...names.slice(2)],
    [await put([leaf, 7]), ...names.slice(1)],
    [await put([{ ...leaf, cumulative: '9'.repeat(78) }, map.leaves[1]]), ...names.slice(1)],
    [],
    [await put({ pages: names })],
  ]) {
    await publish({ leaves: { pages } })
    get.mockClear()
    expect(await computeEpoch(sources, { ...request, epoch: 2 })).toEqual(without)
    expect(get.mock.calls.length).toBeLessThan(12)
  }
})

test('a page that a list names again is none: who names one 65,536 times ends the reading with the second', async () => {
  const { sources, map, document, publish, put, sql, artifacts } = await paged()
  await publish({ leaves: 'none' })
  const without = await computeEpoch(sources, { ...request, epoch: 2 })
  const get = vi.spyOn(artifacts, 'get')
  const often = async (...entries: object[]) => ({ pages: Array<string>(MAX_PAGES).fill(await put(entries)) })
  const debt = { account: parties.alice, amount: '1', to: null, reason: '' }
  const nothing = { versionId: '1', pot: 'data', amount: '0' }
  for (const lists of [{ debts: await often(debt, debt) }, { carried: await often(nothing, nothing) }]) {
    await publish(lists)
    get.mockClear()
    expect(await computeEpoch(sources, { ...request, epoch: 2 })).toEqual(without)
    expect(get.mock.calls.length).toBeLessThan(12)
  }
  await insert(sql, Dispute, { id: '1', subject: 'Contribution', subjectId: '1', outcome: 'Upheld', fromBlock: 30 })
  await publish({ lines: await often(...map.lines.slice(0, 2)) })
  get.mockClear()
  const { lines } = await computeEpoch(sources, { ...request, epoch: 2 })
  expect(lines.filter((one) => one.role === 'recovered')).toEqual([])
  expect(get.mock.calls.length).toBeLessThan(20)
  for (const list of ['leaves', 'lines'] as const) {
    const repeated = { ...document, [list]: await often(...map[list].slice(0, 2)) }
    const read = entriesOfAccount(repeated, list, parties.asker, readerOf(artifacts))
    await expect(read).rejects.toThrow(`is not page 2 of the ${list}`)
  }
})

test('an upheld dispute finds what was paid in pages; a false page of lines names nothing', async () => {
  const { sources, document, publish, put, sql } = await paged()
  await insert(sql, Dispute, { id: '1', subject: 'Contribution', subjectId: '1', outcome: 'Upheld', fromBlock: 30 })
  const debtsOf = async () =>
    (await computeEpoch(sources, { ...request, epoch: 2 })).lines.filter((one) => one.role === 'recovered')
  const [paid] = await debtsOf()
  expect(paid).toMatchObject({ source: { id: 'the upheld dispute 1' } })
  await publish({ lines: { pages: namesOf(document.lines).with(1, await put([7])) } })
  expect(await debtsOf()).toEqual([])
})

test('a page is an array of canonical JSON', async () => {
  const { map, document, artifacts } = await paged()
  const [name] = namesOf(document.leaves)
  expect(await artifacts.get(must(name))).toEqual(Buffer.from(documentBytes(map.leaves.slice(0, ENTRIES))))
})

test('a version that names a model as its manifest is no missing artifact: it states nothing', async () => {
  const { sources, artifacts, child } = await paged()
  const get = artifacts.get.bind(artifacts)
  vi.spyOn(artifacts, 'get').mockImplementation(async (name, options) => {
    if (name !== child) return get(name, options)
    if (options?.maxBytes === undefined) throw new RangeError('File size (5368709120) is greater than 2 GiB')
    throw new ArtifactError('tooLarge', `Artifact ${name} is too large.`)
  })
  expect(await missingManifests(sources, 1)).toEqual([])
})
