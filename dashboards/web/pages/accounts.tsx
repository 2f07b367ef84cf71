import { CONTRIBUTOR_LIST, VALIDATOR_LIST } from '../data/documents/people.ts'
import { useQuery } from '../data/useQuery.ts'
import { Account } from '../parts/account.tsx'
import { Amount } from '../parts/facts.tsx'
import { PageHead } from '../parts/page.tsx'
import { usePageOf } from '../parts/pages.tsx'
import { Standing } from '../parts/standing.tsx'
import { TablePanel } from '../parts/table.tsx'
import { count, percent } from '../say/figures.ts'

export function AccountsPage() {
  const { first, after } = usePageOf('contributors')
  const contributors = useQuery(CONTRIBUTOR_LIST, { first, after, orderBy: 'earned' as const })
  const validators = useQuery(VALIDATOR_LIST, usePageOf('validators'))
  return (
    <>
      <PageHead
        kind="People"
        title="People"
        says="Who gave samples, who judged, what came of it. Open an account to see why it earned what it did."
      />
      <TablePanel
        id="contributors"
        title="Contributors"
        says="Who earned most first. Samples earn by what they did for the model, not by their number."
        query={contributors}
        rows={(answer) => answer.contributors}
        keyOf={(one) => one.account}
        forward
        columns={[
          { title: 'Account', cell: (one) => <Account id={one.account} /> },
          { title: 'Samples', cell: (one) => count(one.contributions), isNumber: true },
          { title: 'Accepted', cell: (one) => count(one.accepted), isNumber: true },
          { title: 'Rejected', cell: (one) => count(one.rejected), isNumber: true },
          {
            title: 'New content',
            cell: (one) => (one.uniqueness === null ? '—' : percent(one.uniqueness, 0)),
            isNumber: true,
            hint: 'How much of the samples nobody had committed earlier, on average',
          },
          { title: 'Earned', cell: (one) => <Amount wei={one.earned} />, isNumber: true },
          { title: 'Claimed', cell: (one) => <Amount wei={one.claimed} />, isNumber: true },
        ]}
        empty="Nobody has contributed yet."
      />
      <TablePanel
        id="validators"
        title="Validators"
        says="They compare answers. Skill is paid; carelessness costs stake; disagreeing is never fined."
        query={validators}
        rows={(answer) => answer.validators}
        keyOf={(one) => one.id}
        columns={[
          { title: 'Account', cell: (one) => <Account id={one.id} /> },
          { title: 'Judgements', cell: (one) => count(one.totals.judgements), isNumber: true },
          { title: 'Earned', cell: (one) => <Amount wei={one.earned} />, isNumber: true },
          { title: 'Fined', cell: (one) => <Amount wei={one.lost} />, isNumber: true },
          { title: 'Stake', cell: (one) => <Amount wei={one.stake} />, isNumber: true },
          { title: 'Reputation', cell: (one) => <Standing standings={one.reputations} /> },
        ]}
        empty="Nobody judges yet. Validators appear here once they stake."
      />
    </>
  )
}
