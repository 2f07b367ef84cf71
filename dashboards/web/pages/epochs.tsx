import { EPOCHS } from '../data/documents/rewards.ts'
import { useQuery } from '../data/useQuery.ts'
import { Account } from '../parts/account.tsx'
import { Chip } from '../parts/chip.tsx'
import { Amount, When } from '../parts/facts.tsx'
import { PageHead } from '../parts/page.tsx'
import { PageLink } from '../parts/pageLink.tsx'
import { usePageOf } from '../parts/pages.tsx'
import { TablePanel } from '../parts/table.tsx'
import { count } from '../say/figures.ts'
import { epochState } from '../say/states.ts'

export function EpochsPage() {
  const query = useQuery(EPOCHS, usePageOf('epochs'))
  return (
    <>
      <PageHead
        kind="Rewards"
        title="Rewards"
        says="Each epoch’s fees flow to whoever caused them, by rules that anyone can recompute. The root of its map proves every share."
      />
      <TablePanel
        id="epochs"
        title="All epochs"
        says="Newest first."
        query={query}
        rows={(answer) => answer.rewardMaps}
        keyOf={(one) => one.id}
        columns={[
          {
            title: 'Epoch',
            cell: (one) => (
              <PageLink kind="epoch" id={one.epoch}>
                <b className="lead">Epoch {one.epoch}</b>
              </PageLink>
            ),
          },
          { title: 'State', cell: (one) => <Chip state={epochState(one.status)} /> },
          { title: 'Fees in', cell: (one) => <Amount wei={one.funded} />, isNumber: true },
          { title: 'Payable', cell: (one) => <Amount wei={one.total} />, isNumber: true },
          { title: 'Lines', cell: (one) => count(one.lines.totalCount), isNumber: true },
          { title: 'Claims', cell: (one) => count(one.claims.totalCount), isNumber: true },
          { title: 'Published by', cell: (one) => (one.publisher ? <Account id={one.publisher} /> : '—') },
          { title: 'Published', cell: (one) => <When at={one.publishedAt} /> },
        ]}
        empty="No epoch is settled. Once calls are paid, their fees are shared out here."
      />
    </>
  )
}
