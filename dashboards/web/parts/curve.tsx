import { measured } from '../say/figures.ts'

export interface Point {
  step: number
  value: number
}

const WIDTH = 320
const HEIGHT = 132
const LEFT = 46
const RIGHT = 10
const TOP = 12
const BOTTOM = 24

const TITLES: Record<string, string> = {
  loss: 'Training loss',
  evalLoss: 'Held-out loss',
  reward: 'Reward',
  kl: 'Drift from start (KL)',
  rewardLoss: 'Reward model loss',
  rewardAccuracy: 'Reward model accuracy',
  accuracy: 'Accuracy',
  margin: 'Preference margin',
  entropy: 'Entropy',
  clipped: 'Updates clipped',
  policyLoss: 'Policy loss',
  length: 'Answer length in tokens',
  ratio: 'Probability ratio',
  rewardTrainingAccuracy: 'Reward model accuracy, training',
  supervised: 'Supervised loss',
  validationScore: 'Validation score',
}

/** What is better: said beside the curve, so that a newcomer knows which way is up. */
const BETTER: Record<string, string> = {
  loss: 'lower is better',
  evalLoss: 'lower is better',
  rewardLoss: 'lower is better',
  reward: 'higher is better',
  accuracy: 'higher is better',
  rewardAccuracy: 'higher is better',
  margin: 'higher is better',
}

/** One metric of a training job over its steps, with its range and its last value. */
export function Curve({ name, points, tone }: { name: string; points: readonly Point[]; tone: number }) {
  const title = TITLES[name] ?? name
  const first = points[0] as Point // a curve has at least one point
  const last = points.at(-1) as Point
  const values = points.map((point) => point.value).filter(Number.isFinite)
  const low = Math.min(...values)
  const high = Math.max(...values)
  const pad = high > low ? (high - low) * 0.08 : Math.abs(high) * 0.1 || 1
  const [bottom, top] = [low - pad, high + pad]
  const from = first.step
  const until = Math.max(last.step, from + 1)
  const x = (step: number) => LEFT + ((step - from) / (until - from)) * (WIDTH - LEFT - RIGHT)
  const y = (value: number) => TOP + (1 - (value - bottom) / (top - bottom)) * (HEIGHT - TOP - BOTTOM)
  const at = (point: Point) => `${x(point.step).toFixed(1)} ${y(point.value).toFixed(1)}`
  const line = points.filter((point) => Number.isFinite(point.value))
  const smooth = line.length > 40 ? smoothed(line, Math.ceil(line.length / 30)) : null
  const path = (of: readonly Point[]) => `M${of.map(at).join('L')}`
  const ticks = high > low ? [high, (high + low) / 2, low] : [high]
  return (
    <figure className={`curve tone-${tone % 5}`} data-curve={name}>
      <figcaption>
        <span>{title}</span>
        <b>{measured(last.value)}</b>
        <small>{BETTER[name] ?? ''}</small>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`${title}: from ${measured(first.value)} at step ${from} to ${measured(last.value)} at step ${last.step}`}
      >
        {ticks.map((value) => (
          <g key={value}>
            <line className="grid" x1={LEFT} x2={WIDTH - RIGHT} y1={y(value)} y2={y(value)} />
            <text className="tick" x={LEFT - 7} y={y(value) + 3.5} textAnchor="end">
              {measured(value)}
            </text>
          </g>
        ))}
        <path className={smooth ? 'raw' : 'line'} d={path(line)} />
        {smooth && <path className="line" d={path(smooth)} />}
        <circle className="end" cx={x(last.step)} cy={y(last.value)} r="3.2" />
        <text className="tick" x={LEFT} y={HEIGHT - 6}>
          step {from}
        </text>
        <text className="tick" x={WIDTH - RIGHT} y={HEIGHT - 6} textAnchor="end">
          {last.step}
        </text>
      </svg>
    </figure>
  )
}

/** A centred mean over up to `reach` points on either side, fewer near the ends, so that noisy steps show their direction. */
function smoothed(points: readonly Point[], reach: number): Point[] {
  return points.map(({ step }, place) => {
    const side = Math.min(reach, place, points.length - 1 - place)
    const near = points.slice(place - side, place + side + 1)
    return { step, value: near.reduce((sum, point) => sum + point.value, 0) / near.length }
  })
}
