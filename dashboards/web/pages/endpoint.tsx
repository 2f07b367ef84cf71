import { ENDPOINT } from '../data/documents/models.ts'
import { useQuery } from '../data/useQuery.ts'
import { Account } from '../parts/account.tsx'
import { EndpointActs } from '../parts/acts.tsx'
import { EventTable } from '../parts/eventTable.tsx'
import { Amount, Facts, When } from '../parts/facts.tsx'
import { PageHead, Pending } from '../parts/page.tsx'
import { PageLink } from '../parts/pageLink.tsx'
import { Panel } from '../parts/panel.tsx'
import { count, counted } from '../say/figures.ts'
import { useId } from './useId.ts'

/** Where a version answers paid calls. */
export function EndpointPage() {
  const id = useId()
  const { data, error } = useQuery(ENDPOINT, { id })
  const endpoint = data?.endpoint
  if (!endpoint) return <Pending kind="Endpoint" id={id} error={error} missing={data !== null} />
  const { version } = endpoint
  return (
    <>
      <PageHead
        kind="Endpoint"
        title={`Endpoint ${id}${version?.model?.name ? ` of ${version.model.name}` : ''}`}
        says="Answers calls for a price; each answer leaves a signed receipt."
        acts={<EndpointActs id={id} />}
      />
      <Panel id="facts" title="What it serves" says="Prices are for 1,000 tokens.">
        <Facts
          rows={[
            version
              ? [
                  'Model',
                  <PageLink key="model" kind="model" id={version.modelId}>
                    {version.model?.name ?? undefined}
                  </PageLink>,
                ]
              : null,
            ['Version', <PageLink key="version" kind="version" id={endpoint.versionId} />],
            ['Host', <Account key="host" id={endpoint.host} />],
            ['Address', <code key="url">{endpoint.url}</code>],
            ['Price of input', <Amount key="in" wei={endpoint.priceIn} />],
            ['Price of output', <Amount key="out" wei={endpoint.priceOut} />],
            ['Calls', count(endpoint.receipts.totalCount)],
            ['Credit channels', count(endpoint.channels.totalCount)],
            ['Redemptions', count(endpoint.redemptions.totalCount)],
            ['Registered', <When key="at" at={endpoint.registeredAt} />],
          ]}
        />
        {endpoint.removedData.length > 0 && (
          <p className="warning above">
            The version learned from {counted(endpoint.removedData.length, 'sample')} that{' '}
            {endpoint.removedData.length === 1 ? 'was' : 'were'} withdrawn later.
          </p>
        )}
      </Panel>
      <EventTable args={{ endpointId: id }} />
    </>
  )
}
