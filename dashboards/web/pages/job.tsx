import { ActButton } from '../acts/actButton.tsx'
import { ONE_JOB } from '../data/documents/work.ts'
import { useNews } from '../data/news.ts'
import { useQuery } from '../data/useQuery.ts'
import { Chip } from '../parts/chip.tsx'
import { CurveSet } from '../parts/curveSet.tsx'
import { Facts, When } from '../parts/facts.tsx'
import { PageHead, Pending } from '../parts/page.tsx'
import { PageLink } from '../parts/pageLink.tsx'
import { Panel } from '../parts/panel.tsx'
import { ScrollingText } from '../parts/scrollingText.tsx'
import { jobTitle, versionMade } from '../say/stages.ts'
import { jobState } from '../say/states.ts'
import { stepTitle } from '../say/steward.ts'
import { useId } from './useId.ts'

/** Of jobs that can be cancelled. */
const OPEN: ReadonlySet<string> = new Set(['Running', 'Queued', 'Waiting'])

/** One job: what was asked, how far it is, what came of it. */
export function JobPage() {
  const id = useId()
  const { data, error } = useQuery(ONE_JOB, { id }, 700)
  const pushed = useNews().jobs.get(id)
  const asked = data?.job
  if (!asked) return <Pending kind="Job" id={id} error={error} missing={data !== null} />
  const job = { ...asked, ...pushed }
  const failure = job.error as { code?: string; message?: string } | null
  const made = versionMade(job)
  const [step] = job.stewardSteps.nodes
  const { modelId, datanetId, versionId, endpointId } = (job.input ?? {}) as Record<string, string | undefined>
  return (
    <>
      <PageHead
        kind="Job"
        title={jobTitle(job)}
        chip={<Chip state={jobState(job.status)} />}
        says={job.status === 'Running' ? (job.stage ?? 'starting') : undefined}
        acts={OPEN.has(job.status) && <ActButton act="cancelJob" given={{ id }} />}
      />
      <Panel id="facts" title="What it does" says="Where it stands, and what it is about.">
        {job.status === 'Running' && (
          <progress value={job.progress} max={1} aria-label={`Progress of ${jobTitle(job)}`} />
        )}
        {failure && (
          <p className="job-error">
            <strong>{failure.code ?? 'FAILED'}</strong>{' '}
            {failure.message ?? 'No reason was given. The worker’s log has more.'}
          </p>
        )}
        <Facts
          rows={[
            ['Asked for', <When key="at" at={job.createdAt} offChain />],
            ['Started', <When key="start" at={job.startedAt} offChain />],
            ['Ended', <When key="end" at={job.finishedAt} offChain />],
            ['Attempt', `${job.attempt} of at most ${job.attempts}`],
            job.retryAt ? ['Tried again', <When key="retry" at={job.retryAt} offChain />] : null,
            modelId ? ['Model', <PageLink key="model" kind="model" id={modelId} />] : null,
            datanetId ? ['Datanet', <PageLink key="datanet" kind="datanet" id={datanetId} />] : null,
            versionId ? ['Version', <PageLink key="version" kind="version" id={versionId} />] : null,
            endpointId ? ['Endpoint', <PageLink key="endpoint" kind="endpoint" id={endpointId} />] : null,
            made ? ['Made', <PageLink key="made" kind="version" id={made} />] : null,
            job.parentId
              ? [
                  'Part of',
                  <PageLink key="parent" kind="job" id={job.parentId}>
                    another job
                  </PageLink>,
                ]
              : null,
            step ? ['Asked for by', `the steward: ${stepTitle(step.name)}, ${step.reason}`] : null,
          ]}
        />
      </Panel>
      {job.metrics.totalCount > 0 && (
        <Panel id="curves" title="Curves" says="What was measured at each step.">
          <CurveSet points={job.metrics.nodes} total={job.metrics.totalCount} />
        </Panel>
      )}
      {job.children.totalCount > 0 && (
        <Panel id="children" title="Follow-up jobs" says="What it asked for.">
          <ul className="plain-list">
            {job.children.nodes.map((child) => (
              <li key={child.id}>
                <PageLink kind="job" id={child.id}>
                  {jobTitle({ kind: child.kind, input: null })}
                </PageLink>{' '}
                <Chip state={jobState(child.status)} />
              </li>
            ))}
          </ul>
        </Panel>
      )}
      <Panel id="input" title="Input and result" says="As a program gave and got them.">
        <details>
          <summary>Show</summary>
          <ScrollingText label="Input and result">
            {JSON.stringify({ input: job.input, result: job.result }, null, 2)}
          </ScrollingText>
        </details>
      </Panel>
    </>
  )
}
