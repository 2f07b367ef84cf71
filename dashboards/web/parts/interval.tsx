import { percent } from '../say/figures.ts'
import type { Score } from '../say/verdict.ts'

/** A score with its 95 % interval against the target, all in ppm on one scale. */
export function Interval({ score, minimum, low, high }: { score: Score; minimum?: number; low: number; high: number }) {
  const at = (ppm: number) => `${Math.min(100, Math.max(0, ((ppm - low) / (high - low)) * 100))}%`
  const [value, lower, upper] = [Number(score.score), Number(score.lower), Number(score.upper)]
  const state = minimum === undefined ? 'free' : lower >= minimum ? 'met' : 'missed'
  const asked = minimum === undefined ? '' : `, target ${percent(minimum)} ${state}`
  return (
    <div className={`interval is-${state}`} data-metric={score.metric}>
      <span className="interval-name">{score.metric}</span>
      <div
        className="interval-track"
        role="img"
        aria-label={`${score.metric} ${percent(value)}, interval ${percent(lower)} to ${percent(upper)}${asked}`}
      >
        {minimum !== undefined && (
          <i className="target" style={{ left: at(minimum) }} title={`target ${percent(minimum)}`} />
        )}
        <i className="bar" style={{ left: at(lower), width: `calc(${at(upper)} - ${at(lower)})` }} />
        <i className="dot" style={{ left: at(value) }} />
      </div>
      <span className="interval-value">
        <b>{percent(value)}</b>
        <small>
          {(lower / 10_000).toFixed(0)}–{percent(upper, 0)}
        </small>
      </span>
    </div>
  )
}
