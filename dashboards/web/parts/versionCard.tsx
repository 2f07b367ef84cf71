import type { JudgedVersion, JudgingModel } from '../data/documents/models.ts'
import { counted } from '../say/figures.ts'
import { methodTitle } from '../say/roles.ts'
import { scoresOf, VERDICT_TONES, verdictOf } from '../say/verdict.ts'
import { Interval } from './interval.tsx'
import { PageLink } from './pageLink.tsx'

interface VersionCardProps {
  model: JudgingModel
  version: JudgedVersion
  /** The scale of the scores, in ppm. */
  low: number
  high: number
}

/** A version with its scores against the targets of the mandate, and what follows. */
export function VersionCard({ model, version, low, high }: VersionCardProps) {
  const verdict = verdictOf(model, version)
  const scores = scoresOf(model, version)
  return (
    <li className={`version is-${verdict.kind}`} data-version={version.id}>
      <header>
        <h3>
          <PageLink kind="version" id={version.id} /> <small>{methodTitle(version.method)}</small>
        </h3>
        <span className={`chip ${VERDICT_TONES[verdict.kind]}`}>{verdict.title}</span>
      </header>
      {scores.map((score) => (
        <Interval key={score.metric} score={score} low={low} high={high} />
      ))}
      <p className="because">
        {verdict.because}
        {scores[0] && ` Measured on ${counted(scores[0].n, 'sealed item')}.`}
      </p>
    </li>
  )
}
