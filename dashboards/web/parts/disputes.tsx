import type { LifecycleAnswer } from '../data/documents/overview.ts'
import { gopen, short } from '../say/figures.ts'
import { disputeState, SUBJECTS } from '../say/states.ts'
import { Account } from './account.tsx'
import { Chip } from './chip.tsx'
import { PageLink } from './pageLink.tsx'
import { AllOf, Empty, Panel } from './panel.tsx'

type Dispute = LifecycleAnswer['disputes']['nodes'][number]

/** What follows from an upheld dispute. */
const THEN: Record<Dispute['subject'], string> = {
  Contribution: 'It earns nothing from the next epoch on.',
  Judgement: 'The judge’s stake is taken.',
  Version: 'The version is rolled back.',
  RewardMap: 'The map and all later ones are cancelled.',
}

/** What is challenged, and how it ended. */
export function NewestDisputes({ lifecycle }: { lifecycle: LifecycleAnswer | null }) {
  const disputes = lifecycle?.disputes.nodes ?? []
  return (
    <Panel
      id="disputes"
      title="Disputes"
      says="What can be recomputed is decided by recomputation; the rest by vote."
      aside={<AllOf path="/disputes" title="disputes" total={lifecycle?.disputes.totalCount} />}
    >
      {disputes.length === 0 ? (
        <Empty ready={lifecycle !== null}>
          Nothing is disputed. Anyone may challenge with a bond; outcomes appear here.
        </Empty>
      ) : (
        <ul className="disputes">
          {disputes.map((one) => (
            <li key={one.id}>
              <b>
                <PageLink kind="dispute" id={one.id}>
                  {SUBJECTS[one.subject].title} {short(one.subjectId)}
                </PageLink>
              </b>
              <Chip state={disputeState(one.outcome)} />
              <p>
                Challenged by <Account id={one.challenger} /> with {gopen(one.bond)} gOPEN.{' '}
                {one.outcome === 'Upheld' && `${THEN[one.subject]} ${gopen(one.slashed)} gOPEN of stake taken.`}
                {one.outcome === 'Rejected' && 'The bond goes to the treasury.'}
                {one.outcome === 'Lapsed' && 'Nobody decided in time; the bond goes back.'}
              </p>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}
