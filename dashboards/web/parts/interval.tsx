import { percent } from '../say/figures.ts'
import type { Score } from '../say/verdict.ts'

interface IntervalProps {
  score: Score
  /** The ends of the scale, in ppm. */
  low: number
  high: number
}

/** The scale on which all of these scores can be drawn, in ppm. */
export const scoreScale = (scores: readonly Score[]) => ({
  low: Math.min(0, ...scores.map((score) => Number(score.lower))),
  high: Math.max(1_000_000, ...scores.map((score) => Number(score.upper))),
})

/** A score with its 95 % interval against the target and against the live version, all in ppm on one scale. */
export function Interval({ score, low, high }: IntervalProps) {
  const at = (ppm: number) => `${Math.min(100, Math.max(0, ((ppm - low) / (high - low)) * 100))}%`
  const [value, lower, upper] = [Number(score.score), Number(score.lower), Number(score.upper)]
  const { live, target } = score
  const minimum = target ? Number(target.minimum) : undefined
  const state = minimum === undefined ? 'free' : lower >= minimum ? 'met' : 'missed'
  const against = live
    ? `, live version ${percent(live.score)}, interval ${percent(live.lower)} to ${percent(live.upper)}`
    : ''
  const asked = minimum === undefined ? '' : `, target ${percent(minimum)} ${state}`
  return (
    <div className={`interval is-${state}`} data-metric={score.metric}>
      <span className="interval-name">{score.metric}</span>
      <div
        className="interval-track"
        role="img"
        aria-label={`${score.metric} ${percent(value)}, interval ${percent(lower)} to ${percent(upper)}${asked}${against}`}
      >
        {minimum !== undefined && (
          <i className="target" style={{ left: at(minimum) }} title={`target ${percent(minimum)}`} />
        )}
        {live && (
          <i
            className="live-bar"
            style={{
              left: at(Number(live.lower)),
              width: `calc(${at(Number(live.upper))} - ${at(Number(live.lower))})`,
            }}
            title={`live version ${percent(live.lower)} to ${percent(live.upper)}`}
          />
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
