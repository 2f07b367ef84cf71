import { createClient } from 'graphql-ws/client'
import { documentText } from '#client/graphql/api.ts'
import { EVENTS, type EventsAnswer, JOBS, type JobsAnswer } from './documents/common.ts'

export interface Hearing {
  opened(): void
  lost(): void
  event(news: EventsAnswer['events']): void
  job(job: JobsAnswer['jobs']): void
}

/** Subscribes to events and jobs over graphql-ws, coming back by itself after every loss. Returns how to stop. */
export function listen(hearing: Hearing): () => void {
  const url = new URL('/graphql', location.href)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  const client = createClient({
    url: url.href,
    keepAlive: 10_000,
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: (tries) => new Promise((resolve) => setTimeout(resolve, Math.min(8000, 500 * 2 ** tries))),
    shouldRetry: () => true,
    on: { connected: hearing.opened, closed: hearing.lost },
  })
  const none = { error: () => hearing.lost(), complete: () => {} }
  const stops = [
    client.subscribe<EventsAnswer>(
      { query: documentText(EVENTS) },
      { ...none, next: ({ data }) => data && hearing.event(data.events) },
    ),
    client.subscribe<JobsAnswer>(
      { query: documentText(JOBS) },
      { ...none, next: ({ data }) => data && hearing.job(data.jobs) },
    ),
  ]
  return () => {
    for (const stop of stops) stop()
    void client.dispose()
  }
}
