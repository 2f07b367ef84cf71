import { useSyncExternalStore } from 'react'
import { UnavailableError } from '#client/errors.ts'
import type { Event, Job } from './documents/common.ts'
import { listen } from './live.ts'

export type Connection = 'connecting' | 'live' | 'polling' | 'lost'

/** What was pushed to this page, and how well it is connected. */
export interface News {
  connection: Connection
  /** Why the last question failed; null when it was answered. */
  fault: string | null
  /** Pushed events, newest first. */
  events: readonly Event[]
  /** Pushed jobs as they stand now, by id. */
  jobs: ReadonlyMap<string, Job>
}

const MAX_EVENTS = 2000
const MAX_JOBS = 200

let news: News = { connection: 'connecting', fault: null, events: [], jobs: new Map() }
let hasSocket = false
const viewers = new Set<() => void>()
const listeners = new Set<() => void>()

function put(part: Partial<News>): void {
  news = { ...news, ...part }
  for (const view of viewers) view()
}

const changed = () => {
  for (const listener of listeners) listener()
}

export const useNews = (): News =>
  useSyncExternalStore(
    (view) => {
      viewers.add(view)
      return () => viewers.delete(view)
    },
    () => news,
  )

/** Calls `listener` whenever an event or a job was pushed, or what came meanwhile may have been missed. Returns how to stop. */
export function onNews(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Whether changes are pushed to this page. */
export const isLive = (): boolean => hasSocket

/** Tells how a question went: without `error` it was answered. */
export function noteAnswer(error?: Error): void {
  const connection = hasSocket ? 'live' : 'polling'
  if (error) put({ fault: error.message, ...(error instanceof UnavailableError && { connection: 'lost' }) })
  else if (news.fault !== null || news.connection !== connection) put({ fault: null, connection })
}

/** Subscribes to everything that is pushed. Returns how to stop. */
export function startNews(): () => void {
  return listen({
    opened() {
      hasSocket = true
      put({ connection: 'live', fault: null, jobs: new Map() })
      changed()
    },
    lost() {
      hasSocket = false
      if (news.connection === 'live') put({ connection: 'polling' })
    },
    event({ event, retracted }) {
      const kept = retracted ? news.events.filter((one) => one.fromBlock < retracted.fromBlock) : news.events
      put({ events: event ? mergeEvents([event], kept) : kept })
      changed()
    },
    job(job) {
      put({ jobs: new Map([...[...news.jobs].filter(([id]) => id !== job.id).slice(1 - MAX_JOBS), [job.id, job]]) })
      changed()
    },
  })
}

export const mergeEvents = (fresh: readonly Event[], known: readonly Event[]): Event[] =>
  [...new Map([...fresh, ...known].map((event) => [event.id, event])).values()]
    .sort((a, b) => (a.id < b.id ? 1 : -1))
    .slice(0, MAX_EVENTS)
