import { DISPUTES } from '../data/documents/work.ts'
import { useQuery } from '../data/useQuery.ts'
import { Account } from '../parts/account.tsx'
import { Chip } from '../parts/chip.tsx'
import { Amount, When } from '../parts/facts.tsx'
import { PageHead } from '../parts/page.tsx'
import { PageLink } from '../parts/pageLink.tsx'
import { usePageOf } from '../parts/pages.tsx'
import { TablePanel } from '../parts/table.tsx'
import { short } from '../say/figures.ts'
import { disputeState, SUBJECTS, subjectPage } from '../say/states.ts'

export function DisputesPage() {
  const query = useQuery(DISPUTES, usePageOf('disputes'))
  return (
    <>
      <PageHead
        kind="Disputes"
        title="Disputes"
        says="Anyone may dispute a sample, a judgement, a version or a reward map, with a bond. What can be recomputed is decided by recomputation; the rest by vote."
      />
      <TablePanel
        id="disputes"
        title="All disputes"
        says="Newest first."
        query={query}
        rows={(answer) => answer.disputes}
        keyOf={(one) => one.id}
        columns={[
          {
            title: 'Dispute',
            cell: (one) => (
              <PageLink kind="dispute" id={one.id}>
                <b className="lead">Dispute {short(one.id)}</b>
              </PageLink>
            ),
          },
          {
            title: 'About',
            cell: (one) => {
              const page = subjectPage(one)
              return (
                <PageLink kind={page.kind} id={page.id}>
                  {SUBJECTS[one.subject].title} {short(page.id)}
                </PageLink>
              )
            },
          },
          { title: 'State', cell: (one) => <Chip state={disputeState(one.outcome)} /> },
          { title: 'Challenged by', cell: (one) => <Account id={one.challenger} /> },
          { title: 'Bond', cell: (one) => <Amount wei={one.bond} />, isNumber: true },
          { title: 'Stake taken', cell: (one) => <Amount wei={one.slashed} />, isNumber: true },
          { title: 'Opened', cell: (one) => <When at={one.openedAt} /> },
        ]}
        empty="Nothing is disputed. Anyone may challenge with a bond; outcomes appear here."
      />
    </>
  )
}
