import { expect, test } from 'vitest'
import { maxPromptTokens } from '#rules/fee.ts'
import { answerText, embeddingList, embeddingOf, embeddingText, floatsOf, vectorsOf } from './embeddingRequest.ts'
import { checkJobInput, maxTokensOut, promptOf } from './jobs.ts'

const consumer = `0x${'11'.repeat(20)}`
const text = '{"embed":["Hello",[1,2]]}'
const input = (more: object) => checkJobInput('infer', { endpointId: '1', consumer, ...more })

test('texts to embed have one text, and are found again in it; no prompt is one', () => {
  const call = input({ embed: '["Hello", [1, 2]]', maxTokens: 9 })
  expect(promptOf(call)).toBe(text)
  expect(checkJobInput('infer', { ...call })).toEqual(call) // it is checked again when it is enqueued
  expect(embeddingOf(text)).toEqual(['Hello', [1, 2]])
  expect(maxTokensOut(call)).toBe(0)
  expect(() => input({ prompt: text })).toThrow(/send them as `embed`/)
  for (const prompt of [`${text} `, '{"embed":[', '{"embed":[]}', '{"embed":["x"],"y":1}']) {
    expect(promptOf(input({ prompt }))).toBe(prompt)
    expect(embeddingOf(prompt)).toBeUndefined()
  }
})

test('what is reserved covers every text: a token takes at least a byte', () => {
  const tokens = Array.from({ length: 200 }, () => 0)
  expect(maxPromptTokens(embeddingText(embeddingList([tokens])))).toBeGreaterThan(tokens.length)
  const texts = Array.from({ length: 200 }, () => 'x')
  const withStartTokens = texts.length * 2
  expect(maxPromptTokens(embeddingText(embeddingList(texts)))).toBeGreaterThan(withStartTokens)
})

test.each([
  [{}, /give a prompt/],
  [{ prompt: 'x', embed: '["x"]' }, /one of them only/],
  [{ embed: '["x"]', open: true }, /not traced/],
  [{ embed: '[]' }, /embed/],
  [{ embed: '[""]' }, /text/],
  [{ embed: '[[1.5]]' }, /text/],
  [{ embed: '[[-1]]' }, /text/],
  [{ embed: '["\\ud800"]' }, /surrogate/],
  [{ embed: '{"input":"x"}' }, /array/],
  [{ embed: JSON.stringify(Array.from({ length: 257 }, () => 'x')) }, /256/],
  [{ embed: 'x' }, /JSON/],
])('%j is refused', (given, message) => {
  expect(() => input(given)).toThrow(message)
})

test('vectors come back from an answer, to the last bit', () => {
  const vector = Float32Array.of(0.1, -1, 3e-39, 0)
  const [first = ''] = vectorsOf(answerText([vector]))
  expect(floatsOf(first)).toEqual(Array.from(vector))
  expect(() => vectorsOf('{"text":"x"}')).toThrow()
})
