import { Link, useSearch } from 'wouter'
import { span } from '#client/ago.ts'
import { JOB_LIST, WORKERS } from '../data/documents/work.ts'
import { useNews } from '../data/news.ts'
import { useQuery } from '../data/useQuery.ts'
import { Chip } from '../parts/chip.tsx'
import { When } from '../parts/facts.tsx'
import { PageHead } from '../parts/page.tsx'
import { PageLink } from '../parts/pageLink.tsx'
import { usePageOf } from '../parts/pages.tsx'
import { Panel } from '../parts/panel.tsx'
import { Reading, TablePanel } from '../parts/table.tsx'
import { counted } from '../say/figures.ts'
import { jobTitle } from '../say/stages.ts'
import { jobState } from '../say/states.ts'

const STATUSES = ['Running', 'Queued', 'Waiting', 'Succeeded', 'Failed', 'Cancelled'] as const

export function JobsPage() {
  const chosen = new URLSearchParams(useSearch()).get('status')
  const status = STATUSES.find((one) => one === chosen)
  const { jobs } = useNews()
  const query = useQuery(JOB_LIST, { where: status && { status: { eq: status } }, ...usePageOf('jobs') })
  return (
    <>
      <PageHead
        kind="Jobs"
        title="Jobs"
        says="Workers turn the community’s decisions into weights, scores and payments."
      />
      <TablePanel
        id="jobs"
        title="All jobs"
        says="Newest first."
        query={query}
        rows={(answer) => answer.jobs}
        keyOf={(job) => job.id}
        aside={
          <nav className="filters" aria-label="States">
            <Link href="/jobs" aria-current={status ? undefined : 'true'}>
              all
            </Link>
            {STATUSES.map((one) => (
              <Link key={one} href={`/jobs?status=${one}`} aria-current={status === one ? 'true' : undefined}>
                {jobState(one).title}
              </Link>
            ))}
          </nav>
        }
        columns={[
          {
            title: 'Job',
            cell: (job) => (
              <PageLink kind="job" id={job.id}>
                <b className="lead">{jobTitle(job)}</b>
              </PageLink>
            ),
          },
          { title: 'State', cell: (job) => <Chip state={jobState((jobs.get(job.id) ?? job).status)} /> },
          {
            title: 'Progress',
            cell: (job) => {
              const now = jobs.get(job.id) ?? job
              return now.status === 'Running' ? `${Math.round(now.progress * 100)} %, ${now.stage ?? 'starting'}` : '—'
            },
          },
          {
            title: 'Took',
            cell: (job) =>
              job.startedAt && job.finishedAt
                ? span((Date.parse(job.finishedAt) - Date.parse(job.startedAt)) / 1000)
                : '—',
            isNumber: true,
          },
          { title: 'Asked for', cell: (job) => <When at={job.createdAt} offChain /> },
        ]}
        empty={status ? 'No job is in this state.' : 'No job yet.'}
      />
      <Workers />
    </>
  )
}

function Workers() {
  const query = useQuery(WORKERS)
  const workers = query.data?.workerNodes.nodes ?? []
  const alive = workers.filter(({ status }) => status === 'Alive').length
  return (
    <Panel
      id="workers"
      title="Workers"
      says="Programs that take jobs, with their devices."
      aside={
        query.data && (
          <span className={`chip ${alive > 0 ? 'is-good' : 'is-bad'}`}>
            {alive > 0 ? `${counted(alive, 'worker')} alive` : 'No worker: run `npx modelcommons worker`'}
          </span>
        )
      }
    >
      {workers.length === 0 ? (
        <Reading query={query} empty="No worker has ever run." />
      ) : (
        <ul className="plain-list">
          {workers.map((worker) => (
            <li key={worker.id}>
              <b>{worker.host}</b> on {worker.device}, {counted(worker.concurrency, 'job')} at a time{' '}
              <Chip
                state={
                  worker.status === 'Alive'
                    ? { title: 'alive', tone: 'is-good' }
                    : {
                        title: worker.status === 'Lost' ? 'lost' : 'stopped',
                        tone: worker.status === 'Lost' ? 'is-bad' : '',
                      }
                }
              />{' '}
              <small>
                last heard <When at={worker.heartbeatAt} offChain />
              </small>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}
