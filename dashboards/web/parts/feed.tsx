import type { Event } from '../data/documents/common.ts'
import { feedOf } from '../say/events.ts'
import { STAGES, stageOfEvent } from '../say/stages.ts'
import { clock } from '../say/time.ts'
import { Empty, Panel } from './panel.tsx'

const SHOWN = 30
const TITLES = new Map(STAGES.map((stage) => [stage.name, stage.title]))

/** Chain events as they come, in plain words. */
export function Feed({ events, cut, ready }: { events: readonly Event[]; cut: string | null; ready: boolean }) {
  const lines = feedOf(events, cut).slice(0, SHOWN)
  return (
    <Panel id="feed" title="As it happens" says="The chain’s events, newest first.">
      {lines.length === 0 ? (
        <Empty ready={ready}>No event yet. Each appears here the moment its block is indexed.</Empty>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        <ol className="feed" tabIndex={0} aria-label="Chain events">
          {lines.map(({ id, text, newest }) => (
            <li key={id}>
              <span className="feed-stage">{TITLES.get(stageOfEvent(newest) ?? 'govern')}</span>
              <span className="feed-text">{text}</span>
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
