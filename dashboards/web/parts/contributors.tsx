import { useId, useState } from 'react'
import type { LifecycleAnswer, Person } from '../data/documents/overview.ts'
import { counted, exactly, gopen, percent } from '../say/figures.ts'
import { Account } from './account.tsx'
import { AllOf, Empty, Panel } from './panel.tsx'
import { Reasons } from './reasons.tsx'

/** Who contributed, what came of it, what it earned, and why. */
export function Contributors({ lifecycle }: { lifecycle: LifecycleAnswer | null }) {
  const sorted = [...(lifecycle?.contributors.nodes ?? [])].sort(
    (a, b) => compare(perSample(b), perSample(a)) || compare(BigInt(b.weight), BigInt(a.weight)),
  )
  const most = sorted.reduce((high, person) => (BigInt(person.earned) > high ? BigInt(person.earned) : high), 1n)
  return (
    <Panel
      id="contributors"
      title="Contributors"
      aside={<AllOf path="/accounts" title="contributors" total={lifecycle?.contributors.totalCount} />}
      says="Samples earn by what they did for the model, not by their number. Open a row to see why."
    >
      {sorted.length === 0 ? (
        <Empty ready={lifecycle !== null}>
          Nobody has contributed yet. Each contributor appears here with what was accepted, what it earned and the
          reason.
        </Empty>
      ) : (
        <div className="people">
          <div className="people-head" aria-hidden="true">
            <span>Account</span>
            <span>Samples accepted</span>
            <span>New content</span>
            <span title="Share of each version’s attribution weight, summed over versions">Weight in versions</span>
            <span>Earned</span>
            <span>Per sample</span>
          </div>
          <ul>
            {sorted.map((person) => (
              <Row key={person.account} person={person} most={most} />
            ))}
          </ul>
          {lifecycle && lifecycle.contributors.totalCount > sorted.length && (
            <p className="quiet">
              The {sorted.length} who earned most, of {lifecycle.contributors.totalCount}.
            </p>
          )}
        </div>
      )}
    </Panel>
  )
}

function Row({ person, most }: { person: Person; most: bigint }) {
  const [open, setOpen] = useState(false)
  const id = useId()
  const part = person.contributions > 0 ? person.accepted / person.contributions : 0
  const waiting = person.contributions - person.accepted - person.rejected
  return (
    <li className={open ? 'person is-open' : 'person'} data-contributor={person.account}>
      <div className="person-row">
        <span className="cell-account">
          <button
            type="button"
            aria-expanded={open}
            aria-controls={id}
            aria-label={`Why ${person.account} earned this`}
            onClick={() => setOpen(!open)}
          >
            <i className="twist" aria-hidden="true" />
          </button>
          <Account id={person.account} />
        </span>
        <Cell label="Samples accepted">
          <span className="split" aria-hidden="true">
            <i className="accepted" style={{ width: `${part * 100}%` }} />
            <i
              className="rejected"
              style={{ width: `${(person.rejected / Math.max(1, person.contributions)) * 100}%` }}
            />
          </span>
          <span>
            {person.accepted} <small>of {person.contributions}</small>
            {waiting > 0 && <small> · {waiting} unscored</small>}
            {person.excluded > 0 && <small className="bad"> · {person.excluded} excluded</small>}
          </span>
        </Cell>
        <Cell label="New content">{person.uniqueness === null ? '—' : percent(person.uniqueness, 0)}</Cell>
        <Cell label="Weight in versions">{percent(person.weight)}</Cell>
        <Cell label="Earned">
          <b className={person.earned === '0' ? 'quiet' : undefined} title={exactly(person.earned)}>
            {gopen(person.earned)}
          </b>
          {person.slashed !== '0' && <small className="bad"> · −{gopen(person.slashed)} stake</small>}
          <span className="earned-bar" aria-hidden="true">
            <i style={{ width: `${Number((BigInt(person.earned) * 1000n) / most) / 10}%` }} />
          </span>
        </Cell>
        <Cell label="Per sample">{gopen(perSample(person))}</Cell>
      </div>
      <div id={id} className="why" hidden={!open}>
        {open && (
          <Reasons
            account={person.account}
            summary={`${counted(person.accepted, 'sample')} accepted, ${person.rejected} rejected`}
          />
        )}
      </div>
    </li>
  )
}

function Cell({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <span className="cell">
      <span className="cell-label">{label}</span>
      {children}
    </span>
  )
}

const perSample = (person: Person) =>
  person.contributions > 0 ? BigInt(person.earned) / BigInt(person.contributions) : 0n
const compare = (a: bigint, b: bigint) => (a > b ? 1 : a < b ? -1 : 0)
