import { percent } from '../say/figures.ts'

interface Standing {
  domain: string
  value: number
  tier: number
}

/** How a validator is trusted in each domain: the lower bound of its record. */
export function Standing({ standings }: { standings: readonly Standing[] }) {
  if (standings.length === 0) return <span className="quiet">newcomer</span>
  return standings.map((one) => (
    <span key={one.domain} className="standing" title={`${one.domain}: lower bound of the record, tier ${one.tier}`}>
      <span className="meter" aria-hidden="true">
        <i style={{ width: `${one.value / 10_000}%` }} />
      </span>
      {percent(one.value, 0)} <small>tier {one.tier}</small>
    </span>
  ))
}
