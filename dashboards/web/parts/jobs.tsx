import type { Job } from '../data/documents/common.ts'
import type { CurvesAnswer, OverviewAnswer } from '../data/documents/overview.ts'
import { counted } from '../say/figures.ts'
import { jobTitle, versionMade } from '../say/stages.ts'
import { ago, span } from '../say/time.ts'
import { Curve, type Point } from './curve.tsx'
import { useNow } from './now.ts'
import { Empty, Panel } from './panel.tsx'

/** Curves in the order in which they are told; others follow by name. */
const ORDER = ['loss', 'evalLoss', 'reward', 'kl']
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
          <span className={`chip ${workers.length > 0 ? 'is-good' : 'is-bad'}`}>
            {workers.length > 0
              ? `${counted(workers.length, 'worker')} alive`
              : 'No worker: run `npx modelcommons worker`'}
          </span>
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
              const drawn = curvesOf(metrics.nodes)
              const made = job && versionMade(job)
              return (
                <section
                  key={id}
                  className={drawn.length > 1 ? 'is-wide' : undefined}
                  aria-label={`Curves of job ${id}`}
                >
                  <h3>
                    {job ? jobTitle(job) : 'Training'}{' '}
                    <small>{made ? `made version ${made}` : `job ${id.slice(0, 8)}`}</small>
                  </h3>
                  <div className="curves">
                    {drawn.map(([name, points], place) => (
                      <Curve key={name} name={name} points={points} tone={place} />
                    ))}
                  </div>
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

function curvesOf(metrics: readonly { name: string; step: number; value: number }[]): [string, Point[]][] {
  const curves = new Map<string, Point[]>()
  for (const { name, step, value } of [...metrics].reverse())
    curves.set(name, [...(curves.get(name) ?? []), { step, value }])
  const rank = (name: string) => ORDER.indexOf(name) + 1 || ORDER.length + 1
  return [...curves].sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1)).slice(0, 6)
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
        <b>{jobTitle(job)}</b>
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
      {error && (
        <p className="job-error">
          <strong>{error.code ?? 'FAILED'}</strong> {error.message ?? 'No reason was given. The worker’s log has more.'}
        </p>
      )}
    </li>
  )
}
