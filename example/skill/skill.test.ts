import { expect, test } from 'vitest'
import { Random } from '#math/random.ts'
import { wholePattern } from '#rules/sampleRequirements.ts'
import { normalForm } from '#rules/shingles.ts'
import { must } from '#test/must.ts'
import { TRIAGE } from '../modelFolder.ts'
import { drawCorpus } from './corpus.ts'
import { expandTemplate } from './grammar.ts'
import { drawItems, STREAMS } from './items.ts'
import { drawMessage } from './message.ts'
import { renderReply, STYLES } from './reply.ts'
import { sealItems, testItems, validationItems } from './rubric.ts'
import { scoreFields } from './score.ts'
import { CATEGORIES, formatTriage, parseTriage, URGENCIES } from './triage.ts'

test('a template draws each of its choices, also nested and empty ones, and refuses unknown slots', () => {
  const random = new Random(1)
  const drawn = new Set(
    Array.from({ length: 200 }, () => expandTemplate('a (b|c (d|)|) {x} .', random, { x: ['1', '2'] })),
  )
  expect([...drawn].sort()).toEqual(['a 1.', 'a 2.', 'a b 1.', 'a b 2.', 'a c 1.', 'a c 2.', 'a c d 1.', 'a c d 2.'])
  expect(() => expandTemplate('{y}', random)).toThrow('unknown slot {y}')
  expect(() => expandTemplate('(a|b', random)).toThrow('unclosed bracket')
})

test('messages are diverse: few repeat, all categories and urgencies occur, and an order number occurs once or not at all', () => {
  const messages = Array.from({ length: 2000 }, (_, i) => drawMessage(new Random(i)))
  expect(new Set(messages.map(({ prompt }) => normalForm(prompt).replace(/\d/g, ''))).size).toBeGreaterThan(1980)
  for (const category of CATEGORIES)
    expect(messages.filter(({ truth }) => truth.category === category).length).toBeGreaterThan(250)
  for (const urgency of URGENCIES)
    expect(messages.filter(({ truth }) => truth.urgency === urgency).length).toBeGreaterThan(400)
  for (const { prompt, truth } of messages) {
    expect(prompt.match(/\b\d{4}\b/g) ?? []).toEqual(truth.order === 'none' ? [] : [truth.order])
    expect(prompt).not.toMatch(/[{}|]|\s\s|\n/)
  }
})

test('the streams of a seed share no message, and the same seed gives the same items', () => {
  const forms = STREAMS.map((stream) => drawItems(7, stream, 150).map(({ prompt }) => normalForm(prompt)))
  expect(new Set(forms.flat()).size).toBe(150 * STREAMS.length)
  // Also across seeds: a held-out item of one run is no training message of another.
  const training = new Set(drawItems(8, 'samples', 600).map(({ prompt }) => normalForm(prompt)))
  expect(must(forms[STREAMS.indexOf('test')]).filter((form) => training.has(form))).toEqual([])
  expect(drawItems(7, 'test', 20)).toEqual(drawItems(7, 'test', 30).slice(0, 20))
})

test('a formatted triage line is parsed to the same fields, and no other text is parsed as one', () => {
  const line = { category: 'delivery', urgency: 'high', order: '4821', reply: 'Sorry about the delay.' } as const
  expect(parseTriage(formatTriage(line))).toEqual(line)
  for (const wrong of [
    'delivery / high / 4821 / Sorry.',
    'parcel | high | 4821 | Sorry.',
    'delivery | huge | 4821 | Sorry.',
    'delivery | high | 48211 | Sorry.',
    'delivery | high | 4821 |  ',
    'delivery | high | 4821 | a | b',
    'delivery | high | 4821 | a\nb',
    '',
  ])
    expect(parseTriage(wrong), wrong).toBeNull()
})

test('fields are scored separately, and only all three together are exact', () => {
  const truth = { category: 'refund', urgency: 'low', order: 'none' } as const
  expect(scoreFields('refund | low | none | Ok, noted.', truth).fieldsExact).toBe(1)
  expect(scoreFields('refund | high | none | Ok, noted.', truth)).toMatchObject({
    fieldsExact: 0,
    category: 1,
    urgency: 0,
  })
  expect(scoreFields('refund low none', truth)).toEqual({
    fieldsExact: 0,
    category: 0,
    urgency: 0,
    order: 0,
    format: 0,
  })
})

test('every style gives a line that can be parsed and matches the pattern of the mandate', () => {
  const pattern = wholePattern(TRIAGE.model.samples.completionPattern)
  for (let i = 0; i < 500; i++) {
    const random = new Random(i)
    const { truth, item } = drawMessage(random)
    const line = formatTriage({ ...truth, reply: renderReply(random.choice(STYLES), { ...truth, item }, random) })
    expect(line).toMatch(pattern)
    expect(scoreFields(line, truth)).toMatchObject({ fieldsExact: 1, format: 1 })
  }
})

test('the corpus has no triage line and no answer with the fields of its message', () => {
  for (const document of drawCorpus(1, 3000)) {
    const text = document.kind === 'text' ? document.text : `${document.message}\n${document.reply}`
    expect(text).not.toMatch(/\b(low|normal|high) \||\| (low|normal|high)\b/)
    expect(text.split('\n').map(parseTriage)).not.toContainEqual(expect.anything())
  }
})

test('each set of items has a salt of its own, and the validation items differ from the test items', () => {
  const test_ = testItems(3, 40)
  const validation = validationItems(3, 40)
  const sealed = sealItems(3, test_)
  expect(sealItems(3, test_)).toEqual(sealed)
  expect(sealItems(3, test_.slice(1)).salt).not.toBe(sealed.salt)
  expect(test_.filter(({ prompt }) => validation.some((item) => item.prompt === prompt))).toEqual([])
})
