import { expect, test } from 'vitest'
import { documentBytes } from '#schema/documents.ts'
import { FeedbackRound } from '#schema/onchain/feedback.ts'
import { Mandate } from '#schema/onchain/models.ts'
import { blockTime, insertAll, insertChain } from '#test/factory.ts'
import { testApi } from '../test/api.ts'

const salt = `0x${'5a'.repeat(32)}`
const canary = 'the canary of an item'
const item = { prompt: canary, completion: 'c' }

async function api() {
  const served = await testApi()
  await insertChain(served.db, 10)
  const text = (content: string) => served.artifacts.put(new TextEncoder().encode(content))
  /** What each way of reading an artifact says. */
  const read = async (name: string) => {
    const file = await fetch(`${served.url}/artifacts/${name}`)
    const asked = await served.ask('query ($id: ID!) { artifact(id: $id) { text json } }', { id: name })
    return [file.status, await file.text(), JSON.stringify(asked)] as const
  }
  return { ...served, text, read }
}

test('a sealed document is as sealed after white space, with other fields, and with a fault in it', async () => {
  const { text, read } = await api()
  const items = JSON.stringify({ salt, items: [item] })
  const inspect = { version: 2, samples: [{ id: '0', input: canary, target: 'c', scores: {} }] }
  for (const content of [
    items,
    ` ${items}`,
    `\n\t\r ${items}`,
    `${' '.repeat(10_000)}${items}`,
    JSON.stringify({ salt: 's', items: [item, { prompt: 1 }], more: true }),
    JSON.stringify({ items: ['none', { ...item, cluster: 'a' }] }),
    JSON.stringify(inspect),
    `\ufeff${items}`,
    items.replace(']}', ',]}'),
    items.slice(0, -1),
    JSON.stringify(inspect).slice(0, -1),
  ]) {
    const [status, file, asked] = await read(await text(content))
    expect(status).toBe(403)
    expect(file + asked).not.toContain(canary)
    expect(asked).toContain('ARTIFACT_SEALED')
  }
  for (const content of ['', '   ', `${' '.repeat(4096)}x`, '{"items":[]}', '{"samples":[]}', ' [1]', '\ufeff{}'])
    expect((await read(await text(content)))[0]).toBe(200)
})

test('the known answers of a round open when the chain has opened them', async () => {
  const { db, artifacts, read } = await api()
  const task = { item: `0x${'12'.repeat(32)}`, gold: 1, truth: canary, versions: ['1', '1'] }
  const key = await artifacts.put(documentBytes({ salt, tasks: [task] }))
  expect((await read(key))[0]).toBe(403)
  await insertAll(db, FeedbackRound, [{ id: '1', goldCommitment: key }])
  expect((await read(key))[0]).toBe(403)
  await db.query('update feedback_round set gold_secret = $1', [key])
  const [status, text] = await read(key)
  expect([status, text.includes(canary)]).toEqual([200, true])
})

test('what a mandate names as its items is sealed in any form', async () => {
  const { db, artifacts, text, read } = await api()
  const names = await Promise.all([
    text(`${JSON.stringify(item)}\n${JSON.stringify(item)}`),
    text(JSON.stringify([item])),
    artifacts.put(Buffer.from(`\ufeff${canary}`, 'utf16le')),
  ])
  for (const [nth, name] of names.entries()) {
    const rubric = { metrics: [{ name: 'exact', kind: 'exact' }], test: name, validation: name, maxTokens: 4 }
    const rubricHash = await artifacts.put(documentBytes(rubric))
    await insertAll(db, Mandate, [{ id: String(nth), modelId: '1', rubricHash, deadline: blockTime(20) }])
    const [status, file, asked] = await read(name)
    expect([status, asked.includes('ARTIFACT_SEALED')]).toEqual([403, true])
    expect(file + asked).not.toContain(canary)
  }
  expect((await read(await text('a document that no mandate names')))[0]).toBe(200)
})

test('items open when all mandates whose rubrics name them have ended, and not before', async () => {
  const { db, artifacts, text, read } = await api()
  const items = await artifacts.put(documentBytes({ salt, items: [item] }))
  const others = await artifacts.put(documentBytes({ salt, items: [{ ...item, completion: 'd' }] }))
  const metrics = [{ name: 'exact', kind: 'exact' }]
  const rubric = (test: string, maxTokens: number) =>
    artifacts.put(documentBytes({ metrics, test, validation: others, maxTokens }))
  const [one, two] = [await rubric(items, 4), await rubric(items, 5)]
  const end = (rubricHash: string, block: number) => ({ rubricHash, deadline: blockTime(block) })
  const mandates = async (...all: { rubricHash: string; deadline: Date }[]) => {
    await db.query('delete from mandate')
    await insertAll(
      db,
      Mandate,
      all.map((each, nth) => ({ id: String(nth + 1), modelId: String(nth + 1), ...each })),
    )
    return (await read(items))[0]
  }
  await db.query('update block set final = number <= 8')
  expect(await mandates()).toBe(403)
  expect(await mandates(end(one, 8))).toBe(403)
  expect(await mandates(end(one, 7), end(two, 20))).toBe(403)
  expect(await mandates(end(one, 7), end(one, 20))).toBe(403)
  expect(await mandates(end(one, 7), end(await text('no rubric'), 20))).toBe(403)
  expect(await mandates(end(await rubric(others, 6), 7))).toBe(403)
  expect(await mandates(end(one, 7), end(two, 6))).toBe(200)
  expect((await read(items))[1]).toContain(canary)
  expect((await read(others))[0]).toBe(200)
})

test('an uploaded list of millions of numbers where samples should be costs whoever serves it seconds at most', async () => {
  const { text, read } = await api()
  const since = process.cpuUsage()
  const [status] = await read(await text(`{"samples":[${Array(4_000_000).fill(1).join()}]}`))
  expect(status).toBe(200)
  expect(process.cpuUsage(since).user / 1_000_000).toBeLessThan(20)
})
