import { ONE_VERSION, VERSION_COMPARISONS, VERSION_DATA, VERSION_RUN } from '../data/documents/models.ts'
import { ONE_JOB } from '../data/documents/work.ts'
import { useQuery } from '../data/useQuery.ts'
import { Account } from '../parts/account.tsx'
import { VersionActs } from '../parts/acts.tsx'
import { CurveSet } from '../parts/curveSet.tsx'
import { EventTable } from '../parts/eventTable.tsx'
import { Amount, Facts, When } from '../parts/facts.tsx'
import { Interval, scoreScale } from '../parts/interval.tsx'
import { PageHead, Pending } from '../parts/page.tsx'
import { ArtifactRef, PageLink } from '../parts/pageLink.tsx'
import { usePageOf } from '../parts/pages.tsx'
import { Panel } from '../parts/panel.tsx'
import { Reading, TablePanel } from '../parts/table.tsx'
import { count, counted, measured, percent } from '../say/figures.ts'
import { methodTitle } from '../say/roles.ts'
import { scoresOf, targetReason, VERDICT_TONES, verdictOf } from '../say/verdict.ts'
import { useId } from './useId.ts'

/** What a version was made from, how it was trained, what it reached, and what came of it. */
export function VersionPage() {
  const id = useId()
  const { data, error } = useQuery(ONE_VERSION, { id })
  const version = data?.modelVersion
  if (!version) return <Pending kind="Version" id={id} error={error} missing={data !== null} />
  const { model, totals } = version
  const verdict = model && verdictOf(model, version)
  return (
    <>
      <PageHead
        kind="Version"
        title={`${model?.name ?? 'Model'}, version ${id}`}
        chip={verdict && <span className={`chip ${VERDICT_TONES[verdict.kind]}`}>{verdict.title}</span>}
        says={verdict?.because}
        acts={<VersionActs id={id} />}
      />
      <Panel id="facts" title="What it is" says="Counted by the server over all rows.">
        <Facts
          rows={[
            [
              'Model',
              <PageLink key="model" kind="model" id={version.modelId}>
                {model?.name ?? undefined}
              </PageLink>,
            ],
            ['Made', methodTitle(version.method)],
            [
              'From',
              version.parentId ? <PageLink key="parent" kind="version" id={version.parentId} /> : 'the base model',
            ],
            ['Registered', <When key="at" at={version.registeredAt} />],
            version.promotedAt ? ['Promoted', <When key="promoted" at={version.promotedAt} />] : null,
            ['Samples', `${count(totals.samples)} of ${counted(totals.contributors, 'person', 'people')}`],
            ['Judgements', `${count(totals.judgements)} of ${counted(totals.validators, 'validator')}`],
            ['Calls answered', count(totals.calls)],
            ['Fees redeemed', <Amount key="redeemed" wei={totals.redeemed} />],
            [
              'Paid to people',
              <span key="paid">
                <Amount wei={totals.paid} /> <small>to {count(totals.paidAccounts)}</small>
              </span>,
            ],
            [
              'Licences',
              version.licences
                ? [version.licences.model, version.licences.base, ...version.licences.data].filter(Boolean).join(', ')
                : '—',
            ],
            version.licences?.conflict
              ? [
                  'Conflict',
                  <span key="c" className="bad">
                    {version.licences.conflict}
                  </span>,
                ]
              : null,
            [
              'Lineage',
              <PageLink key="lineage" kind="lineage" id={`ModelVersion:${id}`}>
                what led here, what came of it
              </PageLink>,
            ],
            version.children.totalCount > 0
              ? [
                  'Continued as',
                  version.children.nodes.map((child) => (
                    <span key={child.id}>
                      <PageLink kind="version" id={child.id} />{' '}
                    </span>
                  )),
                ]
              : null,
            version.endpoints.totalCount > 0
              ? [
                  'Served at',
                  version.endpoints.nodes.map((one) => (
                    <span key={one.id}>
                      <PageLink kind="endpoint" id={one.id} />{' '}
                    </span>
                  )),
                ]
              : null,
          ]}
        />
        {version.removedData.length > 0 && (
          <p className="warning above">
            {counted(version.removedData.length, 'sample')} from which it learned{' '}
            {version.removedData.length === 1 ? 'was' : 'were'} withdrawn later:{' '}
            {version.removedData.slice(0, 8).map((one) => (
              <span key={one.contributionId}>
                <PageLink kind="contribution" id={one.contributionId} />{' '}
              </span>
            ))}
          </p>
        )}
      </Panel>
      {model && (
        <Panel
          id="evaluation"
          title="Evaluation"
          says="95 % intervals on sealed items, which nobody could train on. The low end decides."
        >
          {scoresOf(model, version).map((score) => (
            <Interval key={score.metric} score={score} {...scoreScale(scoresOf(model, version))} />
          ))}
          <ul className="because-list">
            {version.meetsMandate.targets.map((target) => (
              <li key={target.metric} className={target.met ? 'is-met' : 'is-missed'}>
                {targetReason(model, target)}
              </li>
            ))}
          </ul>
          {version.evaluations.totalCount === 0 && (
            <p className="empty">The mandate’s rubric has not been run on it yet.</p>
          )}
        </Panel>
      )}
      <Run id={id} />
      <Data id={id} />
      <Comparisons id={id} />
      <Panel
        id="artifacts"
        title="Artifacts and documents"
        says="Each is named by the hash of its bytes; the chain has the names."
      >
        <ul className="links">
          <li>
            <ArtifactRef hash={version.manifestHash}>Manifest</ArtifactRef>
          </li>
          <li>
            <ArtifactRef hash={version.adapterHash}>Adapter weights</ArtifactRef>
          </li>
          {version.documents.map(({ name, path }) => (
            <li key={name}>
              <a href={path}>{DOCUMENTS[name] ?? name}</a>
            </li>
          ))}
        </ul>
        <p className="quiet above">
          Root of its data: <code>{version.datasetRoot}</code>
        </p>
      </Panel>
      <EventTable args={{ versionId: id }} />
    </>
  )
}

const DOCUMENTS: Record<string, string> = {
  'card.md': 'Model card (Markdown)',
  'croissant.json': 'Data (Croissant)',
  'openlineage.json': 'Runs (OpenLineage)',
  'prov.json': 'Provenance (PROV)',
  'samples.jsonl': 'Samples (JSON Lines)',
}

function Run({ id }: { id: string }) {
  const causes = useQuery(VERSION_RUN, { id })
  const edge = causes.data?.lineage.edges.find(({ relation, to }) => relation === 'run' && to === `ModelVersion:${id}`)
  return (
    <Panel id="run" title="Run" says="The job that trained it, with its curves.">
      {edge ? (
        <Curves job={edge.from.replace(/^JobRun:/, '')} />
      ) : (
        <Reading query={causes} empty="The job that made it is not known here: another host may have run it." />
      )}
    </Panel>
  )
}

function Curves({ job: id }: { job: string }) {
  const query = useQuery(ONE_JOB, { id })
  const job = query.data?.job
  if (!job) return <Reading query={query} empty="The job was deleted." />
  return (
    <>
      <p>
        <PageLink kind="job" id={id} /> <When at={job.startedAt} offChain />
      </p>
      <CurveSet points={job.metrics.nodes} total={job.metrics.totalCount} />
    </>
  )
}

function Data({ id }: { id: string }) {
  const query = useQuery(VERSION_DATA, { id, ...usePageOf('data') })
  return (
    <TablePanel
      id="data"
      title="Data that shaped it"
      says="The influence of each sample, measured with its error. The weight is its part of the version’s data reward."
      query={query}
      rows={(answer) => answer.modelVersion?.influences}
      keyOf={(one) => one.id}
      columns={[
        { title: 'Sample', cell: (one) => <PageLink kind="contribution" id={one.contributionId} /> },
        { title: 'From', cell: (one) => (one.contribution ? <Account id={one.contribution.contributor} /> : '—') },
        { title: 'Weight', cell: (one) => percent(one.weight, 2), isNumber: true },
        {
          title: 'Influence',
          cell: (one) => `${measured(one.influence)} ± ${measured(2 * one.standardError)}`,
          isNumber: true,
          hint: 'How much the loss on the validation items falls because of this sample; twice its standard error',
        },
        {
          title: 'Meaning',
          cell: (one) =>
            one.harmful ? (
              <span className="bad">harms</span>
            ) : one.significant ? (
              'helps'
            ) : (
              <span className="quiet">not told from chance</span>
            ),
        },
      ]}
      empty="No influence was measured for this version."
    />
  )
}

function Comparisons({ id }: { id: string }) {
  const query = useQuery(VERSION_COMPARISONS, { id, ...usePageOf('comparisons', 10) })
  return (
    <TablePanel
      id="comparisons"
      title="Judged answers"
      says="Pairs of its answers that validators compared."
      query={query}
      rows={(answer) => answer.modelVersion?.feedbackTasks}
      keyOf={(one) => one.id}
      columns={[
        { title: 'Comparison', cell: (one) => <PageLink kind="comparison" id={one.id} /> },
        { title: 'Domain', cell: (one) => one.domain },
        { title: 'Judgements', cell: (one) => one.judgements.totalCount, isNumber: true },
        { title: 'Paid', cell: (one) => <Amount wei={one.paid} />, isNumber: true },
        {
          title: 'State',
          cell: (one) =>
            one.settled ? (
              'settled'
            ) : (
              <>
                open until <When at={one.revealDeadline} />
              </>
            ),
        },
      ]}
      empty="Nobody was asked to judge its answers."
    />
  )
}
