import { expect, test, vi } from 'vitest'
import { RewardTree } from '#rules/merkle.ts'
import {
  ArtifactError,
  ArtifactStoreError,
  folderObjects,
  MirrorError,
  mirroredArtifacts,
  PartlyAnsweredError,
} from '#schema/artifacts/index.ts'
import { Dispute } from '#schema/onchain/disputes.ts'
import { insert } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { computeEpoch } from './epoch.ts'
import { leavesOf } from './epochMapOf.ts'
import { digitHash, epochRows, openedReceipt } from './test/epochRows.ts'
import { tamperings } from './test/tamperings.ts'
import { watchMaps } from './watchMaps.ts'

const PUBLISHED = 1_900_000_000
const WINDOW = 4 * 86_400
const HOUR = 3600
const REOPEN = 10 * HOUR

async function watched() {
  const system = await epochRows()
  const usage = [await system.bundle({ epoch: 1, receipts: [openedReceipt()] })]
  const map = await computeEpoch(system.sources, { epoch: 1, usage, absent: [] })
  const publishedAt = new Date(PUBLISHED * 1000)
  const clock = { now: PUBLISHED + 10 }
  const read = vi.fn(system.sources.artifacts.get.bind(system.sources.artifacts))
  const watch = watchMaps({
    ...system.sources,
    artifacts: { get: read },
    challengeWindow: WINDOW,
    reopenTime: REOPEN,
    now: async () => clock.now,
  })
  return {
    ...system,
    usage,
    map,
    clock,
    read,
    watch,
    publishMap: system.publish,
    publish: (over: object = {}) => system.publish(map, { publishedAt, ...over }),
    lose: async (name: string) => folderObjects(system.folder).delete(name),
  }
}

test('a right map is told in each round, and computed once', async () => {
  const { watch, publish, read, map, clock } = await watched()
  expect(await watch.round()).toEqual([])
  await publish()
  const right = [{ epoch: 1, root: map.root, verdict: 'right' }]
  expect(await watch.round()).toMatchObject(right)
  read.mockClear()
  expect(await watch.round()).toMatchObject(right)
  expect(read).not.toHaveBeenCalled()
  clock.now = PUBLISHED + WINDOW
  expect(await watch.round()).toEqual([])
})

test('a map whose window is over is watched as long as a dispute holds it', async () => {
  const { watch, publish, sql, clock, map } = await watched()
  await publish({ root: `0x${'1'.repeat(64)}` })
  clock.now = PUBLISHED + WINDOW + 5 * HOUR
  const dispute = { id: '1', subject: 'RewardMap', subjectId: String(map.epoch) } as const
  const disputed = async (outcome: Dispute['outcome'], resolved: number | null) => {
    await sql.query('delete from dispute')
    const resolvedAt = resolved === null ? null : new Date(resolved * 1000)
    await insert(sql, Dispute, { ...dispute, outcome, resolvedAt })
    return watch.round()
  }
  const wrong = [{ epoch: 1, verdict: 'wrong' }]
  expect(await watch.round()).toEqual([])
  expect(await disputed('Open', null)).toMatchObject(wrong)
  expect(await disputed('Rejected', clock.now - REOPEN + 1)).toMatchObject(wrong)
  expect(await disputed('Rejected', clock.now - REOPEN)).toEqual([])
  expect(await disputed('Upheld', clock.now - 1)).toEqual([])
})

test('each kind of false map is wrong, also when it follows a right one for the same epoch', async () => {
  const { watch, publish, put, map } = await watched()
  await publish()
  await watch.round()
  const kinds = tamperings(map)
  expect(kinds).toHaveLength(20)
  for (const { document, onChain = {}, place } of kinds) {
    await publish({ ...(document && { uri: await put(document) }), ...onChain })
    const [found] = await watch.round()
    expect(found).toMatchObject({ epoch: 1, verdict: 'wrong' })
    expect(found?.verdict === 'wrong' && found.difference.place).toMatch(place)
  }
})

test('a map that was right after a false one is false after the right one, also when it is published again as it was', async () => {
  const { watch, publishMap, sources, map } = await watched()
  const at = (seconds: number) => ({ publishedAt: new Date((PUBLISHED + seconds) * 1000) })
  const { chainId, distributor, epoch } = map
  const [first, second, ...others] = map.leaves
  const leaves = [
    { account: must(first).account, cumulative: must(second).cumulative },
    { account: must(second).account, cumulative: must(first).cumulative },
    ...others,
  ]
  const of = { chain: BigInt(chainId), distributor: distributor as `0x${string}`, epoch: BigInt(epoch) }
  const stolen = { ...map, leaves, root: new RewardTree(leavesOf(leaves, of)).root }
  await publishMap(stolen, at(1))
  const next = await computeEpoch(sources, { epoch: 2, usage: [], absent: [] })
  await publishMap(next, at(2))
  expect(await watch.round()).toMatchObject([{ verdict: 'wrong' }, { verdict: 'right' }])

  await publishMap(map, at(3))
  await publishMap(next, at(4))
  expect(await watch.round()).toMatchObject([{ verdict: 'right' }, { verdict: 'wrong' }])
  await publishMap(next, at(2))
  expect(await watch.round(), 'at the same time in another branch').toMatchObject([
    { verdict: 'right' },
    { verdict: 'wrong' },
  ])
})

test('a false map is found although another one is cancelled while it is checked', async () => {
  const { watch, publish, publishMap, sources, read, sql, artifacts } = await watched()
  await publish()
  const second = await computeEpoch(sources, { epoch: 2, usage: [], absent: [] })
  await publishMap(second, { publishedAt: new Date(PUBLISHED * 1000) })
  const third = { ...second, epoch: 3 }
  await publishMap(third, { publishedAt: new Date(PUBLISHED * 1000), uri: 'nowhere' })
  read.mockImplementation(async (name, options) => {
    await sql.query(`update reward_map set status = 'Cancelled' where epoch = 1`)
    return artifacts.get(name, options)
  })
  const verdicts = await watch.round()
  expect(verdicts).toMatchObject([{ epoch: 1 }, { epoch: 2, verdict: 'unknown' }, { epoch: 3 }])
})

test('a map that names a model as its document is wrong: no artifact is read beyond the size of a document', async () => {
  const { watch, publish, read, parent, artifacts } = await watched()
  const model = `0x${'7'.repeat(64)}`
  await publish({ uri: model })
  read.mockImplementation(async (name, options) => {
    if (name !== model && name !== parent) return artifacts.get(name, options)
    if (options?.maxBytes === undefined) throw new RangeError('File size (5368709120) is greater than 2 GiB')
    throw new ArtifactError('tooLarge', `Artifact ${name} is too large.`)
  })
  const [found] = await watch.round()
  expect(found).toMatchObject({ verdict: 'wrong', difference: { place: 'the document of the map' } })
})

test('a false map with a number of half a million digits is wrong at once', async () => {
  const { watch, publish, put, map } = await watched()
  const lines = map.lines.map((line) => ({ ...line, weight: '9'.repeat(500_000) }))
  await publish({ uri: await put({ ...map, lines }) })
  expect(await watch.round()).toMatchObject([{ verdict: 'wrong', difference: { place: 'the document of the map' } }])
})

test('a map whose artifacts nobody has cannot be checked, and is wrong after 72 hours', async () => {
  const { watch, publish, usage, lose, clock, put } = await watched()
  await publish()
  const [name] = usage.map(({ document }) => document)
  await lose(must(name))
  const [missing] = await watch.round()
  expect(missing).toMatchObject({ epoch: 1, verdict: 'unknown' })
  expect(missing?.verdict === 'unknown' && missing.reason).toContain(name)
  clock.now = PUBLISHED + 72 * HOUR - 1
  expect(await watch.round()).toMatchObject([{ verdict: 'unknown' }])
  clock.now++
  expect(await watch.round()).toMatchObject([{ verdict: 'wrong', difference: { place: 'an artifact of the map' } }])
  await put({ epoch: 1, receipts: [openedReceipt()] })
  expect(await watch.round()).toMatchObject([{ verdict: 'right' }])
})

test('a map that lists its own usage document as absent is wrong with it, whether its publisher shows the document or not', async () => {
  const { watch, publishMap, map, usage, put, lose } = await watched()
  const document = must(usage[0]).document
  await publishMap({ ...map, absent: [document] }, { publishedAt: new Date(PUBLISHED * 1000) })
  expect(await watch.round()).toMatchObject([{ epoch: 1, verdict: 'wrong' }])
  await lose(document)
  expect(await watch.round()).toMatchObject([{ epoch: 1, verdict: 'wrong' }])
  await put({ epoch: 1, receipts: [openedReceipt()] })
  expect(await watch.round()).toMatchObject([{ epoch: 1, verdict: 'wrong' }])
})

test('nobody disputes a map for a manifest that it lists as absent and its publisher may yet show, before 72 hours', async () => {
  const { watch, publishMap, map, child, artifacts, lose, clock } = await watched()
  const bytes = await artifacts.get(child)
  await publishMap({ ...map, absent: [child] }, { publishedAt: new Date(PUBLISHED * 1000) })
  await lose(child)
  expect(await watch.round()).toMatchObject([{ verdict: 'unknown', reason: expect.stringContaining(child) }])
  clock.now = PUBLISHED + 72 * HOUR
  expect(await watch.round()).toMatchObject([{ verdict: 'wrong' }])
  await artifacts.put(bytes)
  expect(await watch.round()).toMatchObject([{ verdict: 'right' }])
})

test('a store that is away is no proof, however long it is away', async () => {
  const { watch, publish, read, clock } = await watched()
  await publish()
  read.mockRejectedValue(new ArtifactStoreError('unreachable', 'S3 does not answer.'))
  clock.now = PUBLISHED + 80 * HOUR
  expect(await watch.round()).toMatchObject([{ verdict: 'unknown', reason: 'S3 does not answer.' }])
})

test('a mirror that does not answer shields no map for longer than 72 hours, if the own store and another mirror have none of its artifacts', async () => {
  const { watch, publish, publishMap, read, clock, artifacts, sources, lose, usage, parent } = await watched()
  const answering = (...outcomes: ('missing' | 'unreachable' | 'corrupt')[]) => {
    const mirrors = outcomes.map((outcome) => ({
      where: `https://${outcome}.example`,
      getFile: () => Promise.reject(new MirrorError(outcome, `It is ${outcome}.`)),
    }))
    const { get } = mirroredArtifacts(artifacts, mirrors)
    read.mockImplementation(get)
  }
  const verdicts = async (...hours: number[]) => {
    const found: unknown[] = []
    for (const hour of hours) {
      clock.now = PUBLISHED + hour * HOUR
      found.push((await watch.round())[0]?.verdict)
    }
    return found
  }
  await publish({ root: `0x${'f'.repeat(64)}`, uri: `0x${'9'.repeat(64)}` })
  answering('missing', 'unreachable')
  expect(await verdicts(1, 71, 72, 95)).toEqual(['unknown', 'unknown', 'wrong', 'wrong'])
  answering('corrupt', 'missing', 'unreachable')
  expect(await verdicts(71, 72)).toEqual(['unknown', 'wrong'])
  answering('unreachable', 'unreachable')
  expect(await verdicts(72)).toEqual(['unknown'])
  answering('missing')
  expect(await verdicts(71, 72)).toEqual(['unknown', 'wrong'])

  // What the map lists as absent is absent then, too.
  const without = await computeEpoch(sources, { epoch: 1, usage, absent: [parent] })
  await publishMap(without, { publishedAt: new Date(PUBLISHED * 1000) })
  await lose(parent)
  answering('missing', 'unreachable')
  expect(await verdicts(60, 71, 72)).toEqual(['unknown', 'unknown', 'right'])
})

test('a watcher that begins after 72 hours does not dispute a right map because the mirror that has it is away for some hours', async () => {
  const { watch, publish, read, clock, artifacts, lose, usage } = await watched()
  const { document } = must(usage[0])
  const bytes = await artifacts.get(document)
  await publish()
  await lose(document)
  let isAway = true
  const away = new PartlyAnsweredError(document, 'The own store and a mirror have none; another does not answer.')
  read.mockImplementation(async (name, options) => {
    if (name === document) return isAway ? Promise.reject(away) : bytes
    return artifacts.get(name, options)
  })
  const verdictAt = async (hour: number) => {
    clock.now = PUBLISHED + hour * HOUR
    return (await watch.round())[0]?.verdict
  }
  expect(await verdictAt(73)).toBe('unknown')
  expect(await verdictAt(83)).toBe('unknown')
  isAway = false
  expect(await verdictAt(83.5)).toBe('right')
})

test('the end of the window is not missed for a mirror that is away: nobody can dispute after it', async () => {
  const { watch, publish, read, clock } = await watched()
  await publish({ uri: digitHash('9') })
  read.mockRejectedValue(new PartlyAnsweredError(digitHash('9'), 'A mirror does not answer.'))
  const verdictAt = async (seconds: number) => {
    clock.now = PUBLISHED + WINDOW - seconds
    return (await watch.round())[0]?.verdict
  }
  expect(await verdictAt(12 * HOUR + 60)).toBe('unknown')
  expect(await verdictAt(12 * HOUR)).toBe('wrong')
})

test('the verdict about a map is given before the next one is checked', async () => {
  const { watch, publish, publishMap, sources, read } = await watched()
  await publish()
  const publishedAt = new Date(PUBLISHED * 1000)
  await publishMap(await computeEpoch(sources, { epoch: 2, usage: [], absent: [] }), { publishedAt })
  await publish({ root: digitHash('f') })
  const events: string[] = []
  await watch.round(async ({ epoch, verdict }) => {
    events.push(`${epoch} ${verdict} after ${read.mock.calls.length > 0 ? 'reading' : 'nothing'}`)
    read.mockClear()
  })
  expect(events).toEqual(['1 wrong after reading', expect.stringMatching(/^2 .* after reading$/)])
})
