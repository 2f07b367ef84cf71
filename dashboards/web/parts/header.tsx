import type { Connection, House } from '../data/house.ts'
import { count } from '../say/figures.ts'
import { useNow } from './now.ts'

const STATES: Record<Connection, { label: string; says: string }> = {
  connecting: { label: 'Connecting', says: 'Asking the API for the first time.' },
  live: { label: 'Live', says: 'Every event and job is pushed to this page.' },
  polling: {
    label: 'Polling',
    says: 'The live connection is down: the page asks every few seconds and reconnects by itself.',
  },
  lost: { label: 'No connection', says: 'What you see is the last that was heard. The page tries again by itself.' },
}

/** What this is, and how far the index has come. */
export function Header({ house }: { house: House }) {
  const { connection, fault, pulse } = house
  const meta = pulse?._meta
  const lag = meta ? Math.max(0, (meta.headBlock ?? 0) - (meta.block ?? 0)) : null
  const now = useNow()
  const drift = meta?.time ? Math.abs(Date.parse(meta.time) - now) / 86_400_000 : 0
  return (
    <header className="masthead">
      <div className="masthead-in">
        <div className="brand">
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <circle
              cx="16"
              cy="16"
              r="11"
              fill="none"
              stroke="currentColor"
              strokeWidth="4.5"
              strokeDasharray="54 16"
              transform="rotate(-62 16 16)"
            />
            <circle className="spark" cx="16" cy="5" r="4" />
          </svg>
          <span>ModelCommons</span>
        </div>
        <h1>
          The public life of community-owned AI models:{' '}
          <span>proposed, voted, trained, judged, served and paid for</span>, with every step on chain.
        </h1>
        <dl className="status">
          <div className={`state is-${connection}`}>
            <dt className="hidden">Connection</dt>
            <dd title={STATES[connection].says} role="status">
              <i aria-hidden="true" />
              {STATES[connection].label}
            </dd>
          </div>
          <Figure label="Block" value={meta?.block ?? null} />
          <Figure label="Final" value={meta?.finalBlock ?? null} />
          <Figure label="Index lag" value={lag} unit={lag === 1 ? 'block' : 'blocks'} warn={(lag ?? 0) > 5} />
          {drift > 1 && meta?.time && (
            <div>
              <dt>Chain time</dt>
              <dd>
                {new Date(meta.time).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })}
              </dd>
            </div>
          )}
        </dl>
      </div>
      {(connection === 'polling' || connection === 'lost' || fault) && (
        <p className="notice" role="alert">
          <strong>
            {connection === 'lost'
              ? 'Connection lost.'
              : connection === 'polling' && !fault
                ? 'Live connection lost.'
                : 'Something could not be read.'}
          </strong>{' '}
          {fault ?? STATES[connection].says} {connection === 'lost' && STATES.lost.says}
        </p>
      )}
    </header>
  )
}

function Figure({ label, value, unit, warn }: { label: string; value: number | null; unit?: string; warn?: boolean }) {
  return (
    <div className={warn ? 'is-warn' : undefined}>
      <dt>{label}</dt>
      <dd>
        {value === null ? '—' : count(value)}
        {unit && value !== null && <small> {unit}</small>}
      </dd>
    </div>
  )
}
