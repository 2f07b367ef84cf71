import { Link, useSearch } from 'wouter'
import { BOOKKEEPING } from '../data/documents/overview.ts'
import { EVENT_LIST } from '../data/documents/work.ts'
import { useQuery } from '../data/useQuery.ts'
import { When } from '../parts/facts.tsx'
import { PageHead } from '../parts/page.tsx'
import { PageLink } from '../parts/pageLink.tsx'
import { usePageOf } from '../parts/pages.tsx'
import { TablePanel } from '../parts/table.tsx'
import { eventText } from '../say/events.ts'
import { stageTitle } from '../say/stages.ts'

export function EventsPage() {
  const { all, events: _, name, ...args } = Object.fromEntries(new URLSearchParams(useSearch()))
  const isChosen = name !== undefined
  const where = isChosen
    ? { name: { eq: name }, args: { contains: args } }
    : all
      ? undefined
      : { not: { name: { in: [...BOOKKEEPING] } } }
  const query = useQuery(EVENT_LIST, { where, ...usePageOf('events') })
  return (
    <>
      <PageHead
        kind="Events"
        title="Events"
        says="What the chain said, newest first. Everything else is computed from this."
      />
      <TablePanel
        id="events"
        title={isChosen ? `Events ${name}` : all ? 'All events' : 'Events of the lifecycle'}
        says="Each links to its arguments and its transaction."
        query={query}
        rows={(answer) => answer.chainEvents}
        keyOf={(event) => event.id}
        aside={
          <nav className="filters" aria-label="Kinds of events">
            <Link href="/events" aria-current={all || isChosen ? undefined : 'true'}>
              the lifecycle
            </Link>
            <Link href="/events?all=yes" aria-current={all ? 'true' : undefined}>
              with token and roles
            </Link>
          </nav>
        }
        columns={[
          {
            title: 'What',
            cell: (event) => (
              <PageLink kind="event" id={event.id}>
                {eventText(event)}
              </PageLink>
            ),
          },
          { title: 'Stage', cell: (event) => stageTitle(event) },
          { title: 'Block', cell: (event) => event.fromBlock, isNumber: true },
          { title: 'When', cell: (event) => <When at={event.timestamp} /> },
        ]}
        empty="No event yet. Each appears here the moment its block is indexed."
      />
    </>
  )
}
