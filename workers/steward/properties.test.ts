import fc from 'fast-check'
import { expect, test } from 'vitest'
import { later } from './test/facts.ts'
import { SlowSteward, StewardWorld } from './test/world.ts'

type Event =
  | { does: 'contribute' | 'wait'; amount: number }
  | { does: 'judge' | 'pause' | 'resume' }
  | { does: 'look' | 'act'; nth: 0 | 1 }
  | { does: 'succeed' | 'fail'; score: number }

const event = ({ trouble }: { trouble: boolean }): fc.Arbitrary<Event> => {
  const nth = fc.constantFrom(0, 1) as fc.Arbitrary<0 | 1>
  const score = fc.integer({ min: 400_000, max: 900_000 })
  const steady = [
    {
      weight: 2,
      arbitrary: fc.record({ does: fc.constant('contribute' as const), amount: fc.integer({ min: 1, max: 8 }) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ does: fc.constant('wait' as const), amount: fc.integer({ min: 1, max: 700 }) }),
    },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('judge' as const) }) },
    { weight: 4, arbitrary: fc.record({ does: fc.constantFrom('look' as const, 'act' as const), nth }) },
    { weight: 4, arbitrary: fc.record({ does: fc.constant('succeed' as const), score }) },
  ]
  const bad = [
    { weight: 1, arbitrary: fc.record({ does: fc.constantFrom('pause' as const, 'resume' as const) }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('fail' as const), score }) },
  ]
  return fc.oneof(...steady, ...(trouble ? bad : []))
}

/** Plays the events; the world itself refuses a step that comes before its facts, or twice. */
function play(events: readonly Event[]): StewardWorld {
  const world = new StewardWorld()
  const stewards = [new SlowSteward(world), new SlowSteward(world)] as const
  for (const event of events) {
    if (event.does === 'contribute') world.contribute(event.amount)
    if (event.does === 'wait') world.seconds += event.amount
    if (event.does === 'judge') world.judge()
    if (event.does === 'succeed') world.finish('Succeeded', event.score)
    if (event.does === 'fail') world.finish('Failed', event.score)
    if (event.does === 'pause') world.paused = true
    if (event.does === 'resume') {
      world.seconds++
      world.paused = false
      world.resumedAt = later(world.seconds)
      world.seconds++
    }
    if (event.does === 'look') stewards[event.nth].look()
    if (event.does === 'act') checkTurn(stewards[event.nth].act())
  }
  return world
}

/** A model that is paused, or whose job failed, does nothing, and says why; what does not begin says what it waits for. */
function checkTurn(turn: ReturnType<SlowSteward['act']>) {
  if (!turn) return
  const { ask, next, state, explanation, records, control } = turn
  const failed = records.some(
    (one) => one.status === 'Failed' && !(control.resumedAt && (one.finishedAt as Date) <= control.resumedAt),
  )
  if (control.paused || failed) expect(ask).toEqual([])
  if (control.paused) expect(state).toBe('Paused')
  else if (failed)
    expect({ state, explanation }).toMatchObject({ state: 'Held', explanation: expect.stringContaining('failed') })
  for (const step of next) expect(step.waitsFor).toBeTruthy()
}

test('no step comes before its facts or twice, and none while the model is paused or held, however two stewards interleave', () => {
  fc.assert(
    fc.property(fc.array(event({ trouble: true }), { maxLength: 300, size: 'max' }), (events) => void play(events)),
    {
      numRuns: 300,
    },
  )
})

test('after a resume, a failed step is tried once more', () => {
  const world = new StewardWorld()
  const steward = new SlowSteward(world)
  const turn = () => {
    steward.look()
    return steward.act()?.ask.map(({ id }) => id)
  }
  world.contribute(9)
  expect(turn()).toEqual(['score/1/from 1'])
  world.finish('Failed', 0)
  expect(turn()).toEqual([])
  world.seconds++
  world.resumedAt = later(world.seconds)
  expect(turn()).toEqual(['score/1/from 1#2'])
  expect(turn()).toEqual([])
})

test('while people act and jobs succeed, the loop reaches an aligned version that is live, with either steward alone or both', () => {
  for (const stewards of [[0], [1], [0, 1]] as (0 | 1)[][]) {
    const round: Event[] = [
      ...stewards.flatMap((nth): Event[] => [{ does: 'look', nth }]),
      ...stewards.flatMap((nth): Event[] => [{ does: 'act', nth }]),
      { does: 'succeed', score: 700_000 },
      { does: 'judge' },
      { does: 'wait', amount: 100 },
    ]
    const gives: Event[] = [{ does: 'contribute', amount: 6 }, ...round]
    const world = play([...gives, ...gives, ...Array.from({ length: 16 }, () => round).flat()])
    expect(world.liveMethod).toBe('rloo')
    const names = [...world.asked.values()].map(({ step }) => step.name)
    for (const name of ['judge', 'settle', 'align', 'follow'])
      expect(names.filter((one) => one === name)).toHaveLength(1)
  }
})
