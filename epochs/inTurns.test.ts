import { expect, test } from 'vitest'
import type { Steps } from '#rules/steps.ts'
import { inTurns } from './inTurns.ts'

test('between two steps the process does its other work', async () => {
  const seen: string[] = []
  function* steps(): Steps<string> {
    for (const step of ['first', 'second']) {
      seen.push(step)
      setImmediate(() => seen.push(`after ${step}`))
      yield
    }
    return 'done'
  }
  expect(await inTurns(steps())).toBe('done')
  expect(seen).toEqual(['first', 'after first', 'second', 'after second'])
})
