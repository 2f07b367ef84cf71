import { expect, test } from 'vitest'
import { requirementCheck, wholePattern } from './sampleRequirements.ts'

const required = { description: 'one word', completionPattern: 'yes|no', topic: ['Bike', 'ORDER'], maxPromptLength: 12 }
const check = requirementCheck(required)

test('the completion as a whole has the form, by Unicode characters', () => {
  for (const completion of ['yes', 'no']) expect(check({ prompt: 'a bike', completion })).toBe(null)
  for (const completion of ['', 'yes.', 'oh yes', 'now', 'yes\n', 'no yes'])
    expect(check({ prompt: 'a bike', completion }), completion).toEqual({
      verdict: 'malformed',
      reason: 'The completion is not of the form asked for, yes|no: one word',
    })
  expect(wholePattern('.').test('🚲')).toBe(true)
  expect(() => requirementCheck({ ...required, completionPattern: '(' })).toThrow(SyntaxError)
})

test('a prompt has at most the asked length, and that is told first', () => {
  expect(check({ prompt: 'a bike 56789', completion: 'no' })).toBe(null)
  expect(check({ prompt: 'a bike 567890', completion: 'maybe' })).toEqual({
    verdict: 'malformed',
    reason: 'The prompt has 13 characters; at most 12 are asked for.',
  })
})

test('a prompt on topic has one of the words, whatever their case; without words every prompt is on topic', () => {
  for (const prompt of ['BIKE', 'my order', 'bikes, order']) expect(check({ prompt, completion: 'no' })).toBe(null)
  const off = check({ prompt: 'a car', completion: 'no' })
  expect(off).toEqual({
    verdict: 'offTopic',
    reason: 'The prompt has none of the topic’s words. The specification says what the datanet collects.',
  })
  expect(requirementCheck({ ...required, topic: [] })({ prompt: 'a car', completion: 'no' })).toBe(null)
})
