import { MODEL, MODEL_ENDPOINTS, MODEL_VERSIONS } from '../data/documents/models.ts'
import { useQuery } from '../data/useQuery.ts'
import { Account } from '../parts/account.tsx'
import { ModelActs } from '../parts/acts.tsx'
import { EventTable } from '../parts/eventTable.tsx'
import { Amount, Facts, When } from '../parts/facts.tsx'
import { scoreScale } from '../parts/interval.tsx'
import { PageHead, Pending } from '../parts/page.tsx'
import { ArtifactRef, PageLink } from '../parts/pageLink.tsx'
import { Pager, usePageOf } from '../parts/pages.tsx'
import { Panel } from '../parts/panel.tsx'
import { SplitBar } from '../parts/splitBar.tsx'
import { Reading, TablePanel } from '../parts/table.tsx'
import { VersionCard } from '../parts/versionCard.tsx'
import { count, percent } from '../say/figures.ts'
import { stateOf } from '../say/steward.ts'
import { scoresOf } from '../say/verdict.ts'
import { useId } from './useId.ts'

/** A model as a card: what it is for, what it must reach, its versions, where it serves, and what happens next. */
export function ModelPage() {
  const id = useId()
  const { data, error } = useQuery(MODEL, { id })
  const model = data?.model
  if (!model) return <Pending kind="Model" id={id} error={error} missing={data !== null} />
  const [steward] = model.stewardships.nodes
  const [split] = model.splits.nodes
  const [mandate] = model.mandates.nodes
  const spec = model.specification
  return (
    <>
      <PageHead
        kind="Model"
        title={model.name ?? `Model ${id}`}
        chip={
          <span className={`chip ${model.liveVersionId ? 'is-good' : ''}`}>
            {model.liveVersionId ? `version ${model.liveVersionId} serves` : 'not serving yet'}
          </span>
        }
        says={spec?.purpose}
        acts={<ModelActs id={id} />}
      />
      <Panel id="card" title="Card" says="What was promised, by whom, under which licences, and what it may cost.">
        <Facts
          rows={[
            [
              'Live version',
              model.liveVersionId ? (
                <PageLink key="live" kind="version" id={model.liveVersionId} />
              ) : (
                'none has met its targets'
              ),
            ],
            [
              'Proposal',
              <PageLink key="proposal" kind="proposal" id={model.proposalId}>
                the vote
              </PageLink>,
            ],
            ['Proposed by', <Account key="by" id={model.proposer} />],
            ['Proposed', <When key="at" at={model.proposedAt} />],
            ['Licence', spec?.licence ?? model.licences?.model ?? '—'],
            ['Licence of the base model', model.licences?.base ?? '—'],
            ['Licences of the data', model.licences?.data.join(', ') || '—'],
            model.licences?.conflict
              ? [
                  'Conflict',
                  <span key="c" className="bad">
                    {model.licences.conflict}
                  </span>,
                ]
              : null,
            mandate ? ['Budget', <Amount key="budget" wei={mandate.budget} />] : null,
            mandate ? ['Spent', <Amount key="spent" wei={mandate.spent} />] : null,
            mandate ? ['Deadline', <When key="deadline" at={mandate.deadline} />] : null,
            ['Bond', <Amount key="bond" wei={model.bond} />],
            ['Staked on it', <Amount key="staked" wei={model.staked} />],
            [
              'Specification',
              <ArtifactRef key="spec" hash={model.specHash}>
                the document
              </ArtifactRef>,
            ],
            [
              'Lineage',
              <PageLink key="lineage" kind="lineage" id={`Model:${id}`}>
                what led here, what came of it
              </PageLink>,
            ],
          ]}
        />
        <h3 className="above">Targets</h3>
        <ul className="targets">
          {model.targets.nodes.map((target) => (
            <li key={target.metric}>
              <i aria-hidden="true" /> {target.metric} ≥ {percent(target.minimum)}
            </li>
          ))}
        </ul>
        {split && <SplitBar split={split} />}
        {model.card && (
          <details className="above">
            <summary>The whole card</summary>
            <p className="prose">{model.card}</p>
          </details>
        )}
      </Panel>
      {steward && (
        <Panel
          id="steward"
          title="What happens next"
          says="The steward takes each step when its facts are there, by the community’s policy."
          aside={<span className={`chip ${stateOf(steward.state).tone}`}>{stateOf(steward.state).title}</span>}
        >
          <p>
            {steward.explanation}{' '}
            <small>
              Found <When at={steward.decidedAt} offChain />
            </small>
          </p>
        </Panel>
      )}
      <Versions id={id} />
      <Panel id="data" title="Data" says="Where samples for this model are given.">
        {model.datanets.nodes.length === 0 ? (
          <p className="empty">No datanet yet.</p>
        ) : (
          <ul className="links">
            {model.datanets.nodes.map((datanet) => (
              <li key={datanet.id}>
                <PageLink kind="datanet" id={datanet.id} />{' '}
                <small>
                  {count(datanet.contributions.totalCount)} samples, {datanet.licence}
                </small>
              </li>
            ))}
          </ul>
        )}
      </Panel>
      <Endpoints id={id} />
      <EventTable args={{ modelId: id }} />
    </>
  )
}

function Versions({ id }: { id: string }) {
  const query = useQuery(MODEL_VERSIONS, { id, ...usePageOf('versions', 10) })
  const model = query.data?.model
  const versions = model?.versions
  const scale = scoreScale(model ? model.versions.nodes.flatMap((version) => scoresOf(model, version)) : [])
  return (
    <Panel
      id="versions"
      title="Versions against targets"
      says="A version may serve only if the low end of its interval clears every target line."
      aside={versions ? <span className="chip">{count(versions.totalCount)}</span> : undefined}
    >
      {!model || !versions || versions.nodes.length === 0 ? (
        <Reading
          query={query}
          empty="No version yet. After training, each appears here with its scores and its targets."
        />
      ) : (
        <>
          <ul className="versions">
            {versions.nodes.map((version) => (
              <VersionCard key={version.id} model={model} version={version} {...scale} />
            ))}
          </ul>
          <Pager list="versions" info={versions.pageInfo} shown={versions.nodes.length} total={versions.totalCount} />
        </>
      )}
    </Panel>
  )
}

function Endpoints({ id }: { id: string }) {
  const query = useQuery(MODEL_ENDPOINTS, { id, ...usePageOf('endpoints', 10) })
  return (
    <TablePanel
      id="endpoints"
      title="Where it serves"
      says="Endpoints answer paid calls; prices are for 1,000 tokens."
      query={query}
      rows={(answer) => answer.endpoints}
      keyOf={(endpoint) => endpoint.id}
      columns={[
        { title: 'Endpoint', cell: (one) => <PageLink kind="endpoint" id={one.id} /> },
        { title: 'Serves', cell: (one) => <PageLink kind="version" id={one.versionId} /> },
        { title: 'Host', cell: (one) => <Account id={one.host} /> },
        { title: 'Price of input', cell: (one) => <Amount wei={one.priceIn} />, isNumber: true },
        { title: 'Price of output', cell: (one) => <Amount wei={one.priceOut} />, isNumber: true },
        { title: 'Calls', cell: (one) => count(one.receipts.totalCount), isNumber: true },
      ]}
      empty="It is served nowhere yet."
    />
  )
}
