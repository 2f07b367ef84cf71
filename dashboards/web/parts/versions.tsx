import type { LifecycleAnswer } from '../data/documents/overview.ts'
import { percent } from '../say/figures.ts'
import { scoresOf } from '../say/verdict.ts'
import { scoreScale } from './interval.tsx'
import { Lineage } from './lineage.tsx'
import { PageLink } from './pageLink.tsx'
import { AllOf, Empty, Panel } from './panel.tsx'
import { VersionCard } from './versionCard.tsx'

/** Versions against the mandate's targets, and where they come from. */
export function Versions({ lifecycle }: { lifecycle: LifecycleAnswer | null }) {
  const models = (lifecycle?.models.nodes ?? []).filter((model) => model.versions.nodes.length > 0)
  return (
    <Panel
      id="versions"
      title="Versions against targets"
      aside={<AllOf path="/models" title="models" total={lifecycle?.models.totalCount} />}
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

type Model = LifecycleAnswer['models']['nodes'][number]

function ModelVersions({ model }: { model: Model }) {
  const versions = model.versions.nodes
  const scores = versions.flatMap((version) => scoresOf(model, version))
  const scale = scoreScale(scores)
  return (
    <div className="model">
      <p className="model-name">
        <PageLink kind="model" id={model.id}>
          {model.name ?? `Model ${model.id}`}
        </PageLink>
      </p>
      <ul className="targets" aria-label={`Targets of model ${model.id}`}>
        {model.targets.nodes.map((target) => (
          <li key={target.metric}>
            <i aria-hidden="true" /> {target.metric} ≥ {percent(target.minimum)}
          </li>
        ))}
        {scores.some(({ live }) => live) && (
          <li>
            <i className="live-key" aria-hidden="true" /> interval of the live version
          </li>
        )}
      </ul>
      <div className="model-in">
        <ul className="versions">
          {versions.map((version) => (
            <VersionCard key={version.id} model={model} version={version} {...scale} />
          ))}
        </ul>
        <Lineage model={model} />
      </div>
    </div>
  )
}
