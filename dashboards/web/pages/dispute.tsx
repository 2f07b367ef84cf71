import { DISPUTE } from '../data/documents/work.ts'
import { useQuery } from '../data/useQuery.ts'
import { Account } from '../parts/account.tsx'
import { DisputeActs } from '../parts/acts.tsx'
import { Chip } from '../parts/chip.tsx'
import { EventTable } from '../parts/eventTable.tsx'
import { Amount, Facts, When } from '../parts/facts.tsx'
import { PageHead, Pending } from '../parts/page.tsx'
import { ArtifactRef, PageLink } from '../parts/pageLink.tsx'
import { Panel } from '../parts/panel.tsx'
import { short } from '../say/figures.ts'
import { disputeState, SUBJECTS, subjectPage } from '../say/states.ts'
import { useId } from './useId.ts'

/** What is challenged, by whom, and how it ended. */
export function DisputePage() {
  const id = useId()
  const { data, error } = useQuery(DISPUTE, { id })
  const dispute = data?.dispute
  if (!dispute) return <Pending kind="Dispute" id={id} error={error} missing={data !== null} />
  const page = subjectPage(dispute)
  const { title } = SUBJECTS[dispute.subject]
  return (
    <>
      <PageHead
        kind="Dispute"
        title={`${title} ${short(page.id)} is disputed`}
        chip={<Chip state={disputeState(dispute.outcome)} />}
        says={
          dispute.outcome === 'Rejected'
            ? 'The challenge failed: its bond goes to the treasury.'
            : dispute.outcome === 'Lapsed'
              ? 'Nobody decided in time: the bond goes back.'
              : dispute.outcome === 'Upheld'
                ? 'The challenge was right.'
                : 'It is not decided yet.'
        }
        acts={<DisputeActs id={id} />}
      />
      <Panel id="facts" title="The challenge" says="Who risks what.">
        <Facts
          rows={[
            [
              'About',
              <PageLink key="about" kind={page.kind} id={page.id}>
                {title} {short(page.id)}
              </PageLink>,
            ],
            ['Challenged by', <Account key="by" id={dispute.challenger} />],
            ['Bond', <Amount key="bond" wei={dispute.bond} />],
            ['Opened', <When key="opened" at={dispute.openedAt} />],
            dispute.verdict ? ['Ruled', dispute.verdict.toLowerCase()] : null,
            dispute.effectiveAt ? ['Open to appeal until', <When key="effective" at={dispute.effectiveAt} />] : null,
            dispute.resolvedAt ? ['Decided', <When key="resolved" at={dispute.resolvedAt} />] : null,
            ['Stake taken', <Amount key="slashed" wei={dispute.slashed} />],
            ['Evidence', <ArtifactRef key="evidence" hash={dispute.evidenceHash} />],
          ]}
        />
      </Panel>
      <EventTable args={{ disputeId: id }} />
    </>
  )
}
