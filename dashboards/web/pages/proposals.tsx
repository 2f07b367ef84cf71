import { PROPOSALS } from '../data/documents/governance.ts'
import { useQuery } from '../data/useQuery.ts'
import { Account } from '../parts/account.tsx'
import { ProposalsActs } from '../parts/acts.tsx'
import { Chip } from '../parts/chip.tsx'
import { Amount, When } from '../parts/facts.tsx'
import { PageHead } from '../parts/page.tsx'
import { PageLink } from '../parts/pageLink.tsx'
import { usePageOf } from '../parts/pages.tsx'
import { TablePanel } from '../parts/table.tsx'
import { proposalTitle } from '../say/reason.ts'
import { proposalFate } from '../say/states.ts'

export function ProposalsPage() {
  const query = useQuery(PROPOSALS, usePageOf('proposals'))
  return (
    <>
      <PageHead
        kind="Proposals"
        title="Proposals"
        says="What the community is asked to decide. Each names a model, how it will be judged, and what it may cost."
        acts={<ProposalsActs />}
      />
      <TablePanel
        id="proposals"
        title="All proposals"
        says="Newest first, of every governor that the index follows."
        query={query}
        rows={(answer) => answer.proposals}
        keyOf={(one) => one.id}
        columns={[
          {
            title: 'Proposal',
            cell: (one) => (
              <PageLink kind="proposal" id={one.id}>
                <b className="lead">{proposalTitle(one.description, one.models.nodes[0]?.name)}</b>
              </PageLink>
            ),
          },
          { title: 'State', cell: (one) => <Chip state={proposalFate(one.state)} /> },
          { title: 'For', cell: (one) => <Amount wei={one.forVotes} unit={false} />, isNumber: true },
          { title: 'Against', cell: (one) => <Amount wei={one.againstVotes} unit={false} />, isNumber: true },
          {
            title: 'Quorum',
            cell: (one) =>
              one.quorumReached === null ? 'not known yet' : one.quorumReached ? 'reached' : 'not reached',
          },
          { title: 'Votes', cell: (one) => one.votes.totalCount, isNumber: true },
          { title: 'Proposed by', cell: (one) => <Account id={one.proposer} /> },
          { title: 'Proposed', cell: (one) => <When at={one.createdAt} /> },
        ]}
        empty="No proposal yet. When someone proposes a model, its votes appear here as they are cast."
      />
    </>
  )
}
