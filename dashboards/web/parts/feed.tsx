import { Link } from 'wouter'
import type { Event } from '../data/documents/common.ts'
import { pathOf } from '../paths.ts'
import { feedOf } from '../say/events.ts'
import { stageTitle } from '../say/stages.ts'
import { clock } from '../say/time.ts'
import { AllOf, Empty, Panel } from './panel.tsx'

const SHOWN = 30

/** Chain events as they come, in plain words. */
export function Feed({ events, cut, ready }: { events: readonly Event[]; cut: string | null; ready: boolean }) {
  const lines = feedOf(events, cut).slice(0, SHOWN)
  return (
    <Panel
      id="feed"
      title="As it happens"
      says="The chain’s events, newest first."
      aside={<AllOf path="/events" title="All events" total={undefined} />}
    >
      {lines.length === 0 ? (
        <Empty ready={ready}>No event yet. Each appears here the moment its block is indexed.</Empty>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        <ol className="feed" tabIndex={0} aria-label="Chain events">
          {lines.map(({ id, text, newest }) => (
            <li key={id}>
              <span className="feed-stage">{stageTitle(newest)}</span>
              <Link className="feed-text" href={pathOf.event(newest.id)}>
                {text}
              </Link>
              <small title={`transaction ${newest.transactionHash}`}>
                block {newest.fromBlock} · {clock(newest.timestamp)}
              </small>
            </li>
          ))}
        </ol>
      )}
    </Panel>
  )
}
