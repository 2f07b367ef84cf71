import { useSyncExternalStore } from 'react'
import { UnavailableError } from '#client/errors.ts'
import { ask } from './ask.ts'
import {
  BACKLOG,
  BACKLOG_VARIABLES,
  CURVES,
  type CurvesAnswer,
  type Event,
  FLOOD_SIZE,
  type Job,
  PULSE,
  type PulseAnswer,
  STEWARD,
  STORY,
  type StewardAnswer,
  type StoryAnswer,
} from './documents.ts'
import { listen } from './live.ts'

export type Connection = 'connecting' | 'live' | 'polling' | 'lost'

/** All that the page shows. Null until first answered. */
export interface House {
  connection: Connection
  /** Why the last question failed; null when it was answered. */
  fault: string | null
  pulse: PulseAnswer | null
  curves: CurvesAnswer | null
  story: StoryAnswer | null
  steward: StewardAnswer | null
  /** Newest first. */
  events: Event[]
  /** The event before which there were more of its kind than are known here; null when all are. */
  cut: string | null
}

/** Between two questions of a kind, while news flow. */
const APART_MS = { pulse: 700, curves: 1500, steward: 1500, story: 2500, backlog: 2500 }
/** Without news: states that depend on the clock still change. */
const QUIET_MS = 10_000
/** Without a socket. */
const POLL_MS = 2500
const FEED = 2000

let house: House = {
  connection: 'connecting',
  fault: null,
  pulse: null,
  curves: null,
  story: null,
  steward: null,
  events: [],
  cut: null,
}
const viewers = new Set<() => void>()
let heard = false

function put(part: Partial<House>): void {
  house = { ...house, ...part }
  for (const view of viewers) view()
}

export const useHouse = (): House =>
  useSyncExternalStore(
    (view) => {
      viewers.add(view)
      return () => viewers.delete(view)
    },
    () => house,
  )

/** Fills the house and keeps it filled. Returns how to stop. */
export function open(): () => void {
  const pulse = paced(APART_MS.pulse, async () => put({ pulse: await ask(PULSE) }))
  const curves = paced(APART_MS.curves, async () => put({ curves: await ask(CURVES) }))
  const steward = paced(APART_MS.steward, async () => put({ steward: await ask(STEWARD) }))
  const story = paced(APART_MS.story, async () => put({ story: await ask(STORY) }))
  const backlog = paced(APART_MS.backlog, readBacklog)
  const all = () => {
    pulse()
    backlog()
    curves()
    steward()
    story()
  }
  const stopListening = listen({
    opened() {
      heard = true
      put({ connection: 'live', fault: null })
      all()
    },
    lost() {
      heard = false
      if (house.connection === 'live') put({ connection: 'polling' })
    },
    event({ event, retracted }) {
      if (retracted) put({ events: house.events.filter((one) => one.fromBlock < retracted.fromBlock) })
      if (event) put({ events: merge([event], house.events) })
      pulse()
      steward()
      story()
    },
    job(job) {
      if (house.pulse) put({ pulse: withJob(house.pulse, job) })
      if (job.kind === 'fineTune' || job.kind === 'rlhf') curves()
      pulse()
      steward()
    },
  })
  let asked = 0
  const timer = setInterval(() => {
    if (Date.now() - asked < (heard ? QUIET_MS : POLL_MS)) return
    asked = Date.now()
    all()
  }, 500)
  all()
  return () => {
    clearInterval(timer)
    stopListening()
  }
}

/** What was pushed while the answer was on its way stays; everything older is as the answer says, also after a reorganisation. */
async function readBacklog(): Promise<void> {
  const { told, flood } = await ask(BACKLOG, BACKLOG_VARIABLES)
  const answered = merge(told.nodes, flood.nodes)
  const newest = answered[0]?.id ?? ''
  put({
    events: merge(answered, heard ? house.events.filter((event) => event.id > newest) : []),
    cut: flood.nodes.length === FLOOD_SIZE ? (flood.nodes.at(-1)?.id ?? null) : null,
  })
}

/** Runs `work` when asked, at most once in `apartMs`, never twice at a time; faults are shown and cleared. */
function paced(apartMs: number, work: () => Promise<void>): () => void {
  let state: 'idle' | 'busy' | 'again' = 'idle'
  const run = async () => {
    state = 'busy'
    try {
      await work()
      if (house.fault !== null || house.connection !== (heard ? 'live' : 'polling'))
        put({ fault: null, connection: heard ? 'live' : 'polling' })
    } catch (error) {
      const unreachable = error instanceof UnavailableError
      put({ fault: (error as Error).message, ...(unreachable && { connection: 'lost' }) })
    }
    setTimeout(() => {
      const again = state === 'again'
      state = 'idle'
      if (again) void run()
    }, apartMs)
  }
  return () => {
    if (state === 'idle') void run()
    else state = 'again'
  }
}

const merge = (fresh: readonly Event[], known: readonly Event[]): Event[] =>
  [...new Map([...fresh, ...known].map((event) => [event.id, event])).values()]
    .sort((a, b) => (a.id < b.id ? 1 : -1))
    .slice(0, FEED)

/** The same figures with a job as it stands now. */
function withJob(pulse: PulseAnswer, job: Job): PulseAnswer {
  const update = (list: { nodes: Job[] }) => ({ nodes: list.nodes.map((one) => (one.id === job.id ? job : one)) })
  return { ...pulse, open: update(pulse.open), recent: update(pulse.recent) }
}
