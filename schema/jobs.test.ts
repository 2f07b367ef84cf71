import { expect, test } from 'vitest'
import { checkJobInput } from './jobs.ts'

test('the consumer of a call is an address, and the message says what one looks like', () => {
  const input = { endpointId: '1', prompt: 'p' }
  const consumer = `0x${'aB'.repeat(20)}`
  expect(checkJobInput('infer', { ...input, consumer }).consumer).toBe(consumer)
  for (const wrong of ['0x1', `0x${'zz'.repeat(20)}`, 'a'.repeat(42), 5])
    expect(() => checkJobInput('infer', { ...input, consumer: wrong })).toThrow(
      `InferInput.consumer must be an address: 0x and 40 hex digits; got ${JSON.stringify(wrong)}.`,
    )
})
