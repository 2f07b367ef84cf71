import type { LifecycleAnswer } from '../data/documents/overview.ts'
import { gopen, short } from '../say/figures.ts'
import { Account } from './account.tsx'
import { Empty, Panel } from './panel.tsx'

type Dispute = LifecycleAnswer['disputes']['nodes'][number]

const SUBJECTS: Record<Dispute['subject'], string> = {
  Contribution: 'Sample',
  Judgement: 'Judgement',
  Version: 'Version',
  RewardMap: 'Reward map of epoch',
}

/** What follows from an upheld dispute. */
const THEN: Record<Dispute['subject'], string> = {
  Contribution: 'It earns nothing from the next epoch on.',
  Judgement: 'The judge’s stake is taken.',
  Version: 'The version is rolled back.',
  RewardMap: 'The map and all later ones are cancelled.',
}

/** What is challenged, and how it ended. */
export function Disputes({ lifecycle }: { lifecycle: LifecycleAnswer | null }) {
  const disputes = lifecycle?.disputes.nodes ?? []
  return (
    <Panel id="disputes" title="Disputes" says="What can be recomputed is decided by recomputation; the rest by vote.">
      {disputes.length === 0 ? (
        <Empty ready={lifecycle !== null}>
          Nothing is disputed. Anyone may challenge with a bond; outcomes appear here.
        </Empty>
      ) : (
        <ul className="disputes">
          {disputes.map((one) => (
            <li key={one.id}>
              <b>
                {SUBJECTS[one.subject]} {short(one.subjectId)}
              </b>
              <span
                className={`chip ${one.outcome === 'Upheld' ? 'is-good' : one.outcome === 'Rejected' ? 'is-bad' : 'is-busy'}`}
              >
                {one.outcome.toLowerCase()}
              </span>
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
