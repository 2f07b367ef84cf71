import type { ReactNode } from 'react'
import { ago } from '#client/ago.ts'
import { useClockOffset } from '../data/chainClock.ts'
import { exactly, gopen } from '../say/figures.ts'
import { clock, withZone } from '../say/time.ts'
import { useNow } from './now.ts'

export type FactRow = readonly [label: string, value: ReactNode, hint?: string] | null | false

/** Facts about one thing, by their names. */
export function Facts({ rows }: { rows: readonly FactRow[] }) {
  return (
    <dl className="facts">
      {rows.map(
        (row) =>
          row && (
            <div key={row[0]}>
              <dt title={row[2]}>{row[0]}</dt>
              <dd>{row[1]}</dd>
            </div>
          ),
      )}
    </dl>
  )
}

/** Wei as gOPEN; the exact amount is its title. */
export const Amount = ({ wei, unit = true }: { wei: string | bigint; unit?: boolean }) => (
  <span title={exactly(wei)}>
    {gopen(wei)}
    {unit && <small> gOPEN</small>}
  </span>
)

interface WhenProps {
  at: string | null
  alone?: boolean
  /** By the clock of a machine, such as that of a worker, and not by the chain’s. */
  offChain?: boolean
}

/** A time in the reader’s zone, and how long ago it is. */
export function When({ at, alone = false, offChain = false }: WhenProps) {
  const now = useNow(15_000)
  const offset = useClockOffset()
  if (!at) return <span className="quiet">—</span>
  return (
    <time dateTime={at} title={withZone(at)}>
      {clock(at)} {!alone && <small>{ago(at, offChain ? now : now + offset)}</small>}
    </time>
  )
}
