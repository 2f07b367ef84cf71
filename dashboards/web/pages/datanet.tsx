import { Link, useSearch } from 'wouter'
import { DATANET, DATANET_CONTRIBUTIONS } from '../data/documents/datanets.ts'
import { useQuery } from '../data/useQuery.ts'
import { Account } from '../parts/account.tsx'
import { DatanetActs } from '../parts/acts.tsx'
import { Chip } from '../parts/chip.tsx'
import { Amount, Facts, When } from '../parts/facts.tsx'
import { PageHead, Pending } from '../parts/page.tsx'
import { PageLink } from '../parts/pageLink.tsx'
import { usePageOf } from '../parts/pages.tsx'
import { Panel } from '../parts/panel.tsx'
import { TablePanel } from '../parts/table.tsx'
import { count, percent } from '../say/figures.ts'
import { plainReason } from '../say/reason.ts'
import { contributionState } from '../say/states.ts'
import { useId } from './useId.ts'

const STATUSES = ['Accepted', 'Rejected', 'Submitted'] as const
type Status = (typeof STATUSES)[number]
const TITLES: Record<Status, string> = { Accepted: 'accepted', Rejected: 'rejected', Submitted: 'not scored yet' }

/** What is given to a model, and what the rules said to it. */
export function DatanetPage() {
  const id = useId()
  const { data, error } = useQuery(DATANET, { id })
  const datanet = data?.datanet
  if (!datanet) return <Pending kind="Datanet" id={id} error={error} missing={data !== null} />
  const groups = datanet.contributions.aggregate.groupBy
  const countOf = (status: Status) => groups.find(({ key }) => key.status === status)?.count ?? 0
  return (
    <>
      <PageHead
        kind="Datanet"
        title={`Datanet ${id}${datanet.model?.name ? ` of ${datanet.model.name}` : ''}`}
        says={datanet.model?.specification?.purpose}
        acts={<DatanetActs id={id} />}
      />
      <Panel id="facts" title="What it is" says="Counted by the server over all samples.">
        <Facts
          rows={[
            [
              'Model',
              <PageLink key="model" kind="model" id={datanet.modelId}>
                {datanet.model?.name ?? undefined}
              </PageLink>,
            ],
            ['Licence of the samples', datanet.licence],
            datanet.licenceConflict
              ? [
                  'Conflict',
                  <span key="c" className="bad">
                    {datanet.licenceConflict}
                  </span>,
                ]
              : null,
            [
              'Stake for a sample',
              <Amount key="stake" wei={datanet.minStake} />,
              'It comes back when the sample is accepted.',
            ],
            ['Owner', <Account key="owner" id={datanet.owner} />],
            ['Opened', <When key="at" at={datanet.createdAt} />],
            ['Samples', count(datanet.contributions.totalCount)],
            ...STATUSES.map((status) => [`Samples ${TITLES[status]}`, count(countOf(status))] as const),
            datanet.excluded.totalCount > 0 ? ['Excluded by disputes', count(datanet.excluded.totalCount)] : null,
          ]}
        />
      </Panel>
      <Contributions id={id} />
    </>
  )
}

function Contributions({ id }: { id: string }) {
  const params = new URLSearchParams(useSearch())
  const status = STATUSES.find((one) => one === params.get('status'))
  const where = { datanetId: { eq: id }, ...(status && { status: { eq: status } }) }
  const query = useQuery(DATANET_CONTRIBUTIONS, { where, ...usePageOf('samples') })
  return (
    <TablePanel
      id="samples"
      title="Samples"
      says="Newest first, each with its verdict and the reason."
      query={query}
      rows={(answer) => answer.contributions}
      keyOf={(one) => one.id}
      aside={
        <nav className="filters" aria-label="Verdicts">
          <Link href={`/datanets/${encodeURIComponent(id)}`} aria-current={status ? undefined : 'true'}>
            all
          </Link>
          {STATUSES.map((one) => (
            <Link
              key={one}
              href={`/datanets/${encodeURIComponent(id)}?status=${one}`}
              aria-current={status === one ? 'true' : undefined}
            >
              {TITLES[one]}
            </Link>
          ))}
        </nav>
      }
      columns={[
        { title: 'Sample', cell: (one) => <PageLink kind="contribution" id={one.id} /> },
        { title: 'From', cell: (one) => <Account id={one.contributor} /> },
        { title: 'Verdict', cell: (one) => <Chip state={contributionState(one)} /> },
        { title: 'Reason', cell: (one) => <span className="reason-text">{plainReason(one.reason) || '—'}</span> },
        { title: 'Quality', cell: (one) => (one.quality === null ? '—' : percent(one.quality, 0)), isNumber: true },
        { title: 'New', cell: (one) => (one.uniqueness === null ? '—' : percent(one.uniqueness, 0)), isNumber: true },
        { title: 'Given', cell: (one) => <When at={one.submittedAt} /> },
      ]}
      empty={status ? `No sample is ${TITLES[status]}.` : 'Nobody has given a sample yet.'}
    />
  )
}
