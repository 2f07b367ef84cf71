import { EVENT_LIST } from '../data/documents/work.ts'
import { useQuery } from '../data/useQuery.ts'
import { eventText } from '../say/events.ts'
import { When } from './facts.tsx'
import { PageLink } from './pageLink.tsx'
import { usePageOf } from './pages.tsx'
import { TablePanel } from './table.tsx'

/** What is kept of an event that names something: its arguments are decimal texts and addresses. */
type NamedArgs = Record<string, string>

/** The chain’s events with all of these arguments, newest first: what happened to one thing. */
export function EventTable({ args, names }: { args: NamedArgs; names?: string[] }) {
  const where = { args: { contains: args }, ...(names && { name: { in: names } }) }
  const query = useQuery(EVENT_LIST, { where, ...usePageOf('events', 10) })
  return (
    <TablePanel
      id="events"
      title="On the chain"
      says="Every event that names this, newest first. Each links to its transaction."
      query={query}
      rows={(answer) => answer.chainEvents}
      keyOf={(event) => event.id}
      columns={[
        {
          title: 'What',
          cell: (event) => (
            <PageLink kind="event" id={event.id}>
              {eventText(event)}
            </PageLink>
          ),
        },
        { title: 'Block', cell: (event) => event.fromBlock, isNumber: true },
        { title: 'When', cell: (event) => <When at={event.timestamp} /> },
      ]}
      empty="No event names this yet."
    />
  )
}
