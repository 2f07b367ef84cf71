import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import { periodically } from './periodically.ts'

test('of failures in a row the 1st, 2nd, 4th, 8th … is logged with the name of the task, and then the first success', async () => {
  const lines: { task: string; failures: number; err?: { message: string } }[] = []
  const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) })
  let tries = 0
  const work = async () => {
    if (++tries <= 10) throw new Error('away')
  }
  onTestFinished(periodically('heartbeat', 1, work, log))
  await vi.waitFor(() => expect(tries).toBeGreaterThan(12))
  expect(lines.map(({ task, failures, err }) => [task, failures, err?.message])).toEqual([
    ['heartbeat', 1, 'away'],
    ['heartbeat', 2, 'away'],
    ['heartbeat', 4, 'away'],
    ['heartbeat', 8, 'away'],
    ['heartbeat', 10, undefined],
  ])
})
