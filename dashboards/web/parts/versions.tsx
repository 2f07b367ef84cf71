import type { LifecycleAnswer } from '../data/documents/overview.ts'
import { counted, percent } from '../say/figures.ts'
import { methodTitle } from '../say/roles.ts'
import { liveComparisons, type Model, minimumOf, scoresOf, type Version, verdictOf } from '../say/verdict.ts'
import { Interval } from './interval.tsx'
import { Lineage } from './lineage.tsx'
import { Empty, Panel } from './panel.tsx'

/** Versions against the mandate's targets, and where they come from. */
export function Versions({ lifecycle }: { lifecycle: LifecycleAnswer | null }) {
  const models = (lifecycle?.models.nodes ?? []).filter((model) => model.versions.nodes.length > 0)
  return (
    <Panel
      id="versions"
      title="Versions against targets"
      says="A version may serve only if the low end of its interval clears every target line."
    >
      {models.length === 0 ? (
        <Empty ready={lifecycle !== null}>
          No version yet. After training, each appears here with its scores, its targets and what it was made from.
        </Empty>
      ) : (
        models.map((model) => <ModelVersions key={model.id} model={model} />)
      )}
    </Panel>
  )
}

function ModelVersions({ model }: { model: Model }) {
  const versions = model.versions.nodes
  const scores = versions.flatMap((version) => scoresOf(model, version))
  const low = Math.min(0, ...scores.map((score) => Number(score.lower)))
  const high = Math.max(1_000_000, ...scores.map((score) => Number(score.upper)))
  return (
    <div className="model">
      <ul className="targets" aria-label={`Targets of model ${model.id}`}>
        {model.targets.nodes.map((target) => (
          <li key={target.metric}>
            <i aria-hidden="true" /> {target.metric} ≥ {percent(target.minimum)}
          </li>
        ))}
        {versions.some((version) => liveComparisons(model, version).length > 0) && (
          <li>
            <i className="live-key" aria-hidden="true" /> interval of the live version
          </li>
        )}
      </ul>
      <div className="model-in">
        <ul className="versions">
          {versions.map((version) => (
            <VersionCard key={version.id} model={model} version={version} low={low} high={high} />
          ))}
        </ul>
        <Lineage model={model} />
      </div>
    </div>
  )
}

const TONES = { promoted: 'is-good', rolledBack: 'is-bad', refused: 'is-bad', ready: 'is-busy', waiting: '' }

function VersionCard({ model, version, low, high }: { model: Model; version: Version; low: number; high: number }) {
  const verdict = verdictOf(model, version)
  const scores = scoresOf(model, version)
  const comparisons = liveComparisons(model, version)
  return (
    <li className={`version is-${verdict.kind}`} data-version={version.id}>
      <header>
        <h3>
          Version {version.id} <small>{methodTitle(version.method)}</small>
        </h3>
        <span className={`chip ${TONES[verdict.kind]}`}>{verdict.title}</span>
      </header>
      {scores.map((score) => (
        <Interval
          key={score.id}
          score={score}
          live={comparisons.find((one) => one.score === score)?.live}
          minimum={minimumOf(model, score.metric)}
          low={low}
          high={high}
        />
      ))}
      <p className="because">
        {verdict.because}
        {scores[0] && ` Measured on ${counted(scores[0].n, 'sealed item')}.`}
      </p>
    </li>
  )
}
