import { ONE_EVENT } from '../data/documents/work.ts'
import { useQuery } from '../data/useQuery.ts'
import { Account } from '../parts/account.tsx'
import { Facts, When } from '../parts/facts.tsx'
import { PageHead, Pending } from '../parts/page.tsx'
import { PageLink } from '../parts/pageLink.tsx'
import { Panel } from '../parts/panel.tsx'
import type { Kind } from '../paths.ts'
import { eventText } from '../say/events.ts'
import { count } from '../say/figures.ts'
import { useId } from './useId.ts'

/** Which page an argument of an event has. */
const PAGES: Record<string, Kind> = {
  proposalId: 'proposal',
  modelId: 'model',
  versionId: 'version',
  parentId: 'version',
  datanetId: 'datanet',
  contributionId: 'contribution',
  epoch: 'epoch',
  disputeId: 'dispute',
  endpointId: 'endpoint',
  taskId: 'comparison',
}

/** One event of the chain, with everything that it names as a link. */
export function EventPage() {
  const id = useId()
  const { data, error } = useQuery(ONE_EVENT, { id })
  const event = data?.chainEvent
  if (!event) return <Pending kind="Event" id={id} error={error} missing={data !== null} />
  const args = Object.entries(event.args as Record<string, unknown>)
  return (
    <>
      <PageHead kind="Event" title={eventText(event)} says={`${event.contract} said ${event.name}.`} />
      <Panel id="facts" title="Where it stands" says="What proves it: the transaction on the chain.">
        <Facts
          rows={[
            ['Transaction', <code key="tx">{event.transactionHash}</code>],
            ['Block', count(event.fromBlock)],
            ['Place in its block', count(event.logIndex)],
            ['When', <When key="at" at={event.timestamp} />],
            [
              'Contract',
              <span key="contract">
                {event.contract} <code>{event.address}</code>
              </span>,
            ],
          ]}
        />
      </Panel>
      <Panel id="args" title="Arguments" says="As the contract gave them: amounts in wei, shares in parts per million.">
        <Facts rows={args.map(([name, value]) => [name, <Argument key={name} name={name} value={value} />] as const)} />
      </Panel>
    </>
  )
}

function Argument({ name, value }: { name: string; value: unknown }) {
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  const kind = PAGES[name]
  if (kind && text !== '0') return <PageLink kind={kind} id={text} />
  if (/^0x[0-9a-f]{40}$/i.test(text)) return <Account id={text.toLowerCase()} />
  return text.startsWith('0x') ? <code>{text}</code> : <span>{text}</span>
}
