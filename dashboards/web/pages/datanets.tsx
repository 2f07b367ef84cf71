import { DATANETS } from '../data/documents/datanets.ts'
import { useQuery } from '../data/useQuery.ts'
import { Account } from '../parts/account.tsx'
import { Amount, When } from '../parts/facts.tsx'
import { PageHead } from '../parts/page.tsx'
import { PageLink } from '../parts/pageLink.tsx'
import { usePageOf } from '../parts/pages.tsx'
import { TablePanel } from '../parts/table.tsx'
import { count } from '../say/figures.ts'

export function DatanetsPage() {
  const query = useQuery(DATANETS, usePageOf('datanets'))
  return (
    <>
      <PageHead
        kind="Data"
        title="Data"
        says="Where people give signed samples for a model. Rules refuse copies and junk, with a reason."
      />
      <TablePanel
        id="datanets"
        title="All datanets"
        says="Newest first."
        query={query}
        rows={(answer) => answer.datanets}
        keyOf={(one) => one.id}
        columns={[
          {
            title: 'Datanet',
            cell: (one) => (
              <PageLink kind="datanet" id={one.id}>
                <b className="lead">Datanet {one.id}</b>
              </PageLink>
            ),
          },
          {
            title: 'For',
            cell: (one) => (
              <PageLink kind="model" id={one.modelId}>
                {one.model?.name ?? undefined}
              </PageLink>
            ),
          },
          { title: 'Licence', cell: (one) => one.licence },
          { title: 'Samples', cell: (one) => count(one.contributions.totalCount), isNumber: true },
          { title: 'Accepted', cell: (one) => count(one.accepted.totalCount), isNumber: true },
          { title: 'Stake for a sample', cell: (one) => <Amount wei={one.minStake} />, isNumber: true },
          { title: 'Owner', cell: (one) => <Account id={one.owner} /> },
          { title: 'Opened', cell: (one) => <When at={one.createdAt} /> },
        ]}
        empty="No datanet yet. One is opened for a model that has a mandate."
      />
    </>
  )
}
