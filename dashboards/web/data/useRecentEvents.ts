import type { Event } from './documents/common.ts'
import { FREQUENT_COUNT, RECENT_EVENTS, RECENT_EVENTS_VARIABLES } from './documents/overview.ts'
import { isLive, mergeEvents, useNews } from './news.ts'
import { useQuery } from './useQuery.ts'

export interface RecentEvents {
  /** Newest first. */
  events: Event[]
  /** The event before which there were more of its kind than are known here; null when all are. */
  cut: string | null
}

/** What the chain said last. What was pushed while the answer was on its way stays; everything older is as the answer says, also after a
 *  reorganisation. */
export function useRecentEvents(): RecentEvents {
  const { data } = useQuery(RECENT_EVENTS, RECENT_EVENTS_VARIABLES, 2500)
  const { events: pushed } = useNews()
  if (!data) return { events: [...pushed], cut: null }
  const { others, frequent } = data
  const answered = mergeEvents(others.nodes, frequent.nodes)
  const newest = answered[0]?.id ?? ''
  return {
    events: mergeEvents(answered, isLive() ? pushed.filter(({ id }) => id > newest) : []),
    cut: frequent.nodes.length === FREQUENT_COUNT ? (frequent.nodes.at(-1)?.id ?? null) : null,
  }
}
