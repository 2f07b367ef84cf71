import { expect, test } from 'vitest'
import { CircuitBreaker, CircuitOpenError, type CircuitState } from './circuitBreaker.ts'
import { isRetriable } from './errors.ts'

const away = new Error('no answer')

function breaker() {
  let clock = 0
  const states: CircuitState[] = []
  const circuit = new CircuitBreaker({
    service: 'The store',
    failures: 3,
    probeMs: 1000,
    maxProbeMs: 4000,
    now: () => clock,
    onChange: (state) => states.push(state),
  })
  let calls = 0
  const attempt = (answers: boolean) =>
    circuit.run(async () => {
      calls++
      if (!answers) throw away
      return 'answer'
    })
  return {
    circuit,
    states,
    attempt,
    pass: (ms: number) => void (clock += ms),
    calls: () => calls,
    async open() {
      for (let i = 0; i < 3; i++) await expect(attempt(false)).rejects.toBe(away)
    },
  }
}

test('opens after failures in a row, and then fails at once with an error that names the service and since when', async () => {
  const { attempt, open, calls, states } = breaker()
  await expect(attempt(false)).rejects.toBe(away)
  await expect(attempt(false)).rejects.toBe(away)
  expect(await attempt(true)).toBe('answer') // an answer ends the row
  expect(states).toEqual([])
  await open()
  const before = calls()
  const error = await attempt(true).catch((one) => one)
  expect(error).toBeInstanceOf(CircuitOpenError)
  expect(isRetriable(error)).toBe(true)
  expect(error.message).toMatch(/^The store has not answered since \d{4}-.*Z, .* Last error: no answer$/)
  expect(error.retryAfterMs).toBeGreaterThan(0)
  expect(calls()).toBe(before)
  expect(states).toMatchObject([{ open: true, cause: away }])
})

test('lets one probe at a time through, at growing intervals, and closes with the first answer', async () => {
  const { circuit, attempt, open, pass, states, calls } = breaker()
  await open()
  for (const shortest of [750, 1500, 3000, 3000]) {
    pass(shortest - 1)
    await expect(attempt(true)).rejects.toBeInstanceOf(CircuitOpenError)
    pass(shortest * (2 / 3) + 2) // the longest jittered interval
    const before = calls()
    const probe = attempt(false)
    const meanwhile = attempt(true)
    await expect(meanwhile).rejects.toBeInstanceOf(CircuitOpenError)
    await expect(probe).rejects.toBe(away)
    expect(calls()).toBe(before + 1)
  }
  pass(5001)
  expect(await attempt(true)).toBe('answer')
  expect(circuit.state).toEqual({ open: false })
  expect(states.map(({ open: isOpen }) => isOpen)).toEqual([true, false])
})

test('a cancelled probe leaves the circuit open, and the next call probes', async () => {
  const { circuit, attempt, open, pass } = breaker()
  await open()
  pass(1300)
  circuit.begin().cancel()
  expect(circuit.state.open).toBe(true)
  expect(await attempt(true)).toBe('answer')
})

test('failures that the service did not cause do not count', async () => {
  const { circuit } = breaker()
  const missing = new Error('no such key')
  for (let i = 0; i < 10; i++)
    await expect(
      circuit.run(
        () => Promise.reject(missing),
        (error) => error !== missing,
      ),
    ).rejects.toBe(missing)
  expect(circuit.state.open).toBe(false)
})
