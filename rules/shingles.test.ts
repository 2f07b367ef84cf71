import { expect, test } from 'vitest'
import { tokens } from './shingles.ts'

test('scripts without spaces are taken by character', () => {
  expect(tokens('春眠不覺 OK 2+2')).toEqual(['春', '眠', '不', '覺', 'ok', '2', '+', '2'])
})
