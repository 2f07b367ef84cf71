import { constants } from 'node:buffer'
import { expect, test } from 'vitest'
import { z } from 'zod'
import {
  comparisonKeyDocument,
  evaluationLogDocument,
  evidenceDocument,
  itemsDocument,
  MAX_DOCUMENT_BYTES,
  MAX_DOCUMENT_VALUES,
  manifestDocument,
  parseDocument,
  promptsDocument,
  putDocument,
  rubricDocument,
  specificationDocument,
  weighedManifest,
} from './documents.ts'
import { rewardMapDocument } from './rewardMapDocument.ts'
import { MAX_USAGE_BYTES, openedUsage } from './usageDocument.ts'

/** Of the processor. An issue for each item takes minutes of it, and more memory than a process has. */
const MAX_MS = 20_000
const bytesOf = (text: string) => new TextEncoder().encode(text)
const listOf = (item: string, bytes: number) =>
  `[${Array(Math.floor(bytes / (item.length + 1)))
    .fill(item)
    .join()}]`

function timed<T>(what: () => T): T {
  const since = process.cpuUsage()
  const result = what()
  expect(process.cpuUsage(since).user / 1000).toBeLessThan(MAX_MS)
  return result
}

const names = `"channelId":"${'x'.repeat(50)}","consumer":"${'x'.repeat(50)}"`

test.each([
  ['numbers', '1'],
  ['empty objects', '{}'],
  ['objects whose members are no texts', '{"channelId":{"length":99,"toString":1},"consumer":{"length":99}}'],
  ['what looks like receipts', `{${names}}`],
])('a usage document of nothing but %s costs seconds at most', (_, item) => {
  const junk = bytesOf(`{"epoch":1,"receipts":${listOf(item, MAX_USAGE_BYTES - 30)}}`)
  const parsed = timed(() => parseDocument(openedUsage, junk))
  expect(parsed.success && parsed.data.receipts.every((one) => one === null)).toBe(true)
})

test('an attribution of nothing but numbers costs seconds at most', () => {
  const list = listOf('1', MAX_USAGE_BYTES - 200)
  const junk = bytesOf(`{"epoch":1,"receipts":[{${names},"attribution":${list}}]}`)
  expect(timed(() => parseDocument(openedUsage, junk))).toMatchObject({ success: true, data: { receipts: [null] } })
})

test('a large reward map of nothing but numbers is refused at its first fault, and does not end whoever watches maps', () => {
  const junk = bytesOf(`{"epoch":1,"leaves":${listOf('1', 60 << 20)}}`)
  const parsed = timed(() => parseDocument(rewardMapDocument, junk))
  expect(parsed).toMatchObject({ success: false })
})

const hash = `"0x${'a'.repeat(64)}"`

test('a manifest of nothing but numbers does not end whoever computes or watches maps', () => {
  const junk = bytesOf(`{"evidence":[],"weights":${listOf('1', 8 << 20)}}`)
  expect(timed(() => parseDocument(weighedManifest, junk))).toMatchObject({ success: false })
})

const junk = Array.from({ length: 1_000 }, () => [])

test.each<[string, z.ZodType, object]>([
  ['a manifest, as maps read it', weighedManifest, { evidence: junk, weights: junk }],
  ['a manifest', manifestDocument, { dataset: junk, weights: junk, configuration: { ...junk }, metrics: { ...junk } }],
  ['a specification', specificationDocument, { samples: { topic: junk } }],
  ['a rubric', rubricDocument, { metrics: [{ name: 'm', kind: 'fields', fields: junk }] }],
  ['the metrics of a rubric', rubricDocument, { metrics: junk }],
  ['sealed items', itemsDocument, { items: junk, decoys: junk }],
  ['prompts', promptsDocument, { prompts: junk }],
  ['the log of an evaluation', evaluationLogDocument, { itemHashes: junk, metrics: junk }],
  ['the key of a comparison', comparisonKeyDocument, { tasks: junk }],
  ['the evidence of a settlement', evidenceDocument, { keys: junk, validators: junk, pairs: junk }],
])('of %s the first fault of each list is told, however many it has', (_, shape, value) => {
  expect(shape.safeParse(value).error?.issues.length).toBeLessThan(20)
})

test('a specification whose policy is nested very deep is read like any other', () => {
  const policy = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
  const samples = '"samples":{"description":"","completionPattern":"","topic":[],"maxPromptLength":1}'
  const words = '"name":"n","purpose":"p","licence":"","integration":""'
  const bytes = bytesOf(`{${words},"baseModel":${hash},"rubric":${hash},${samples},"policy":${policy}}`)
  expect(parseDocument(specificationDocument, bytes)).toMatchObject({ success: true, data: { name: 'n' } })
})

test('a document of any size that counts is short enough for a text', () => {
  expect(MAX_DOCUMENT_BYTES).toBeLessThanOrEqual(constants.MAX_STRING_LENGTH)
})

/** A manifest with this many of the bytes that begin values, in a member that does not matter. */
const manifestOf = (values: number, item: string) =>
  bytesOf(`{"evidence":[],"weights":[],"x":["${','.repeat(values - 7)}",${item}]}`)

test('a document with too many values states nothing, whatever they are', () => {
  expect(parseDocument(weighedManifest, manifestOf(MAX_DOCUMENT_VALUES, '0')).success).toBe(true)
  expect(parseDocument(weighedManifest, manifestOf(MAX_DOCUMENT_VALUES, '[]')).success).toBe(false)
})

test('200 MB of empty objects in a false map do not end whoever watches maps', () => {
  const objects = Buffer.alloc(200_000_001, '{},')
  const junk = Buffer.concat([bytesOf('{"x":['), objects, bytesOf('0]}')])
  expect(timed(() => parseDocument(rewardMapDocument, junk))).toMatchObject({ success: false })
})

test('a document that nobody would read is not stored: a map is not published in vain', async () => {
  const stored: Uint8Array[] = []
  const store = { put: async (bytes: Uint8Array) => String(stored.push(bytes)) }
  const list = z.array(z.number())
  await expect(
    putDocument(
      store,
      list,
      Array.from({ length: MAX_DOCUMENT_VALUES + 1 }, () => 1),
    ),
  ).rejects.toThrow(/would state nothing/)
  expect(await putDocument(store, list, [1, 2])).toBe('1')
})
