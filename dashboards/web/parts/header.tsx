import { useEffect } from 'react'
import { Link } from 'wouter'
import { noteBlockTime, useClockOffset } from '../data/chainClock.ts'
import { META } from '../data/documents/common.ts'
import { type Connection, useNews } from '../data/news.ts'
import { useQuery } from '../data/useQuery.ts'
import { count } from '../say/figures.ts'
import { WalletStatus } from './acts.tsx'
import { Navigation } from './navigation.tsx'
import { SearchForm } from './searchForm.tsx'

const STATES: Record<Connection, { label: string; says: string }> = {
  connecting: { label: 'Connecting', says: 'Asking the API for the first time.' },
  live: { label: 'Live', says: 'Every event and job is pushed to this page.' },
  polling: {
    label: 'Polling',
    says: 'The live connection is down: the page asks every few seconds and reconnects by itself.',
  },
  lost: { label: 'No connection', says: 'What you see is the last that was heard. The page tries again by itself.' },
}

/** What this is, where to go, and how far the index has come. */
export function Header() {
  return (
    <header className="masthead">
      <div className="masthead-in">
        <Link className="brand" href="/">
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
        </Link>
        <SearchForm />
        <IndexState />
        <WalletStatus />
        <Navigation />
      </div>
      <Notice />
    </header>
  )
}

function IndexState() {
  const { connection } = useNews()
  const meta = useQuery(META, undefined, 700).data?._meta
  const lag = meta ? Math.max(0, (meta.headBlock ?? 0) - (meta.block ?? 0)) : null
  const isOther = useClockOffset() !== 0
  useEffect(() => {
    if (meta?.time) noteBlockTime(meta.time)
  }, [meta?.time])
  return (
    <div className="status">
      <p className={`state is-${connection}`} title={STATES[connection].says} role="status">
        <i aria-hidden="true" />
        {STATES[connection].label}
      </p>
      <dl>
        <Figure label="Block" value={meta?.block ?? null} />
        <Figure label="Final" value={meta?.finalBlock ?? null} />
        <Figure label="Index lag" value={lag} unit={lag === 1 ? 'block' : 'blocks'} warn={(lag ?? 0) > 5} />
        {isOther && meta?.time && (
          <div title="The time of the newest block. The chain’s clock is not that of your device; deadlines follow the chain’s.">
            <dt>Chain time</dt>
            <dd>
              {new Date(meta.time).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })}
            </dd>
          </div>
        )}
      </dl>
    </div>
  )
}

/** Says that what is shown may be old, and why. */
function Notice() {
  const { connection, fault } = useNews()
  if (connection !== 'polling' && connection !== 'lost' && !fault) return null
  return (
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
