import { WaitingClock } from './journeys/clock.ts'
import { Figures } from './journeys/figures.ts'
import { type Meeting, WALKERS } from './journeys/people.ts'
import { openJourneySystem } from './journeys/system.ts'

interface Walked {
  commands: number
  queries: number
  seconds: number
  ok: boolean
}

/**
 * `npm run check -- journeys`: on a fresh state, every person's page of the documentation is run command by command, by people with fresh keys: a model of
 * another skill and base than the example's goes from its proposal to claimed rewards, and the steward does the operator's part. What the commands print is
 * compared with the contracts.
 * @returns whether every command did what its page says, and every figure is right.
 */
export async function checkJourneys(json = false): Promise<boolean> {
  const began = performance.now()
  const seconds = () => (performance.now() - began) / 1000
  const say = json ? () => {} : (line: string) => console.log(`${seconds().toFixed(0).padStart(5)} s  ${line}`)
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error(signal)))
  const journeys = await openJourneySystem(stop.signal)
  const { rpcUrl, deployment, url } = journeys.system
  const walked = new Map<string, Walked>(
    WALKERS.map(({ name }) => [name, { commands: 0, queries: 0, seconds: 0, ok: false }]),
  )
  const figures = new Figures(rpcUrl, deployment)
  const clock = new WaitingClock(rpcUrl, stop.signal)
  const meeting: Meeting = {
    ...{ ...journeys, clock, figures, signal: stop.signal, known: {}, voters: new Set() },
    async ask<T>(query: string) {
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) })
      const { data, errors } = (await answer.json()) as { data: T; errors?: { message: string }[] }
      if (errors) throw new Error(errors.map(({ message }) => message).join('; '))
      return data
    },
    onStep(person, { kind, text }, took) {
      const own = walked.get(person) as Walked
      own[kind === 'sh' ? 'commands' : 'queries']++
      own.seconds += took
      say(`${person.padEnd(12)} ${took.toFixed(1).padStart(5)} s  ${text.split('\n')[0]}`)
    },
  }
  const faults: string[] = []
  const time = clock.run().catch((error) => void faults.push(`the chain: ${error.message}`))
  try {
    await Promise.all(
      WALKERS.map(async ({ name, run }) => {
        try {
          await run(meeting)
          Object.assign(walked.get(name) as Walked, { ok: true })
        } catch (error) {
          if (stop.signal.aborted) return
          faults.push(`${name}: ${(error as Error).message}`)
          stop.abort(error) // the others would wait for this one
        }
      }),
    )
  } finally {
    stop.abort(new Error('The journeys are over.'))
    await time
    await journeys.close()
  }
  faults.push(...figures.wrong)
  const people = [...walked].map(([person, { seconds: took, ...rest }]) => ({
    ...{ person, page: WALKERS.find(({ name }) => name === person)?.page, ...rest },
    linesOfCode: 0,
    seconds: Math.round(took * 10) / 10,
  }))
  if (!json) console.table(people)
  for (const fault of faults) console.error(`  ${fault}`)
  const ok = faults.length === 0 && people.every((person) => person.ok)
  console.log(
    JSON.stringify({
      check: 'journeys',
      ok,
      figures: figures.compared,
      faults,
      people,
      seconds: Math.round(seconds()),
    }),
  )
  return ok
}
