import { count } from '../say/figures.ts'
import { Curve, type Point } from './curve.tsx'

/** Curves in this order; others follow by name. */
const ORDER = ['loss', 'evalLoss', 'reward', 'kl']

interface CurveSetProps {
  /** Newest first. */
  points: readonly { name: string; step: number; value: number }[]
  /** Of the points that there are. */
  total: number
  max?: number
}

/** One curve for each metric of a training job. */
export function CurveSet({ points, total, max = 12 }: CurveSetProps) {
  if (points.length === 0) return <p className="empty">It has no curves.</p>
  return (
    <>
      <div className="curves">
        {curvesOf(points)
          .slice(0, max)
          .map(([name, drawn], place) => (
            <Curve key={name} name={name} points={drawn} tone={place} />
          ))}
      </div>
      {total > points.length && (
        <p className="quiet">
          The newest {count(points.length)} of {count(total)} points.
        </p>
      )}
    </>
  )
}

/** The points by metric, oldest first. */
export function curvesOf(points: CurveSetProps['points']): [string, Point[]][] {
  const curves = new Map<string, Point[]>()
  for (const { name, step, value } of points) {
    const known = curves.get(name)
    if (known) known.unshift({ step, value })
    else curves.set(name, [{ step, value }])
  }
  const rank = (name: string) => ORDER.indexOf(name) + 1 || ORDER.length + 1
  return [...curves].sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
}
