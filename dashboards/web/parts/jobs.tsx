import { ago, span } from '#client/ago.ts'
import { ActButton } from '../acts/actButton.tsx'
import type { Job } from '../data/documents/common.ts'
import type { CurvesAnswer, OverviewAnswer } from '../data/documents/overview.ts'
import { counted } from '../say/figures.ts'
import { jobTitle, versionMade } from '../say/stages.ts'
import { CurveSet } from './curveSet.tsx'
import { useNow } from './now.ts'
import { PageLink } from './pageLink.tsx'
import { AllOf, Empty, Panel } from './panel.tsx'

const WORKER_ALIVE_MS = 30_000

/** What the workers do: progress, curves, errors. */
export function Jobs({ overview, curves }: { overview: OverviewAnswer | null; curves: CurvesAnswer | null }) {
  const now = useNow(1000)
  const jobs = overview ? jobsOf(overview) : []
  const trained = (curves?.jobs.nodes ?? []).filter((job) => job.metrics.nodes.length > 0)
  const workers = overview?.workerNodes.nodes.filter((one) => now - Date.parse(one.heartbeatAt) < WORKER_ALIVE_MS) ?? []
  return (
    <Panel
      id="jobs"
      title="Training and other jobs"
      says="Workers turn the community’s decisions into weights, scores and payments."
      aside={
        overview && (
          <>
            <AllOf path="/jobs" title="jobs" total={overview.overview.jobs} />
            <span className={`chip ${workers.length > 0 ? 'is-good' : 'is-bad'}`}>
              {workers.length > 0
                ? `${counted(workers.length, 'worker')} alive`
                : 'No worker: run `npx modelcommons worker`'}
            </span>
          </>
        )
      }
    >
      {jobs.length === 0 ? (
        <Empty ready={overview !== null}>
          No job yet. Scoring, fine-tuning, evaluation and alignment appear here with their progress and training
          curves.
        </Empty>
      ) : (
        <div className="jobs">
          <ul className="job-list">
            {jobs.map((job) => (
              <JobLine key={job.id} job={job} now={now} />
            ))}
          </ul>
          <div className="curve-sets">
            {trained.length === 0 && <p className="empty">Training curves are drawn here while a model learns.</p>}
            {trained.slice(0, 3).map(({ id, metrics }) => {
              const job = jobs.find((one) => one.id === id)
              const made = job && versionMade(job)
              return (
                <section key={id} className="is-wide" aria-label={`Curves of job ${id}`}>
                  <h3>
                    <PageLink kind="job" id={id}>
                      {job ? jobTitle(job) : 'Training'}
                    </PageLink>{' '}
                    {made && (
                      <small>
                        made <PageLink kind="version" id={made} />
                      </small>
                    )}
                  </h3>
                  <CurveSet points={metrics.nodes} total={metrics.totalCount} max={6} />
                </section>
              )
            })}
          </div>
        </div>
      )}
    </Panel>
  )
}

/** Running ones first, then what was asked for last; single calls only while they fail or run. */
function jobsOf({ open, recent, failed }: OverviewAnswer): Job[] {
  const all = new Map([...failed.nodes, ...recent.nodes, ...open.nodes].map((job) => [job.id, job]))
  const rank = ({ status }: Job) => (status === 'Running' ? 0 : status === 'Queued' || status === 'Waiting' ? 1 : 2)
  return [...all.values()]
    .sort((a, b) => rank(a) - rank(b) || Date.parse(b.createdAt) - Date.parse(a.createdAt))
    .slice(0, 14)
}

const ENDS: Record<Job['status'], string> = {
  Queued: 'waiting',
  Running: 'running',
  Waiting: 'waits for a service',
  Succeeded: 'done',
  Failed: 'failed',
  Cancelled: 'cancelled',
}

function JobLine({ job, now }: { job: Job; now: number }) {
  const error = job.error as { code?: string; message?: string } | null
  const share = job.status === 'Succeeded' ? 1 : job.progress
  const took = job.startedAt && (Date.parse(job.finishedAt ?? '') || now) - Date.parse(job.startedAt)
  return (
    <li className={`job is-${job.status.toLowerCase()}`} data-job={job.kind}>
      <div className="job-head">
        <b>
          <PageLink kind="job" id={job.id}>
            {jobTitle(job)}
          </PageLink>
        </b>
        <span className="job-state">
          {ENDS[job.status]}
          {job.status === 'Running' && ` ${Math.round(share * 100)} %`}
          {typeof took === 'number' &&
            job.status !== 'Queued' &&
            job.status !== 'Waiting' &&
            ` · ${span(Math.max(0, took) / 1000)}`}
          {(job.status === 'Queued' || job.status === 'Waiting') && ` · asked ${ago(job.createdAt, now)}`}
        </span>
      </div>
      {(job.status === 'Running' || job.status === 'Queued') && (
        <progress value={share} max={1} aria-label={`Progress of ${jobTitle(job)}`} />
      )}
      {job.status === 'Running' && (
        <p>
          {job.stage ?? 'starting'}
          {job.attempt > 1 && ` (attempt ${job.attempt})`}
        </p>
      )}
      {(job.status === 'Running' || job.status === 'Queued' || job.status === 'Waiting') && (
        <ActButton act="cancelJob" given={{ id: job.id }}>
          Cancel
        </ActButton>
      )}
      {error && (
        <p className="job-error">
          <strong>{error.code ?? 'FAILED'}</strong> {error.message ?? 'No reason was given. The worker’s log has more.'}
        </p>
      )}
    </li>
  )
}
