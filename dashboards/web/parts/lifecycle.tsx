import { Link } from 'wouter'
import type { Event } from '../data/documents/common.ts'
import type { OverviewAnswer } from '../data/documents/overview.ts'
import { type FeedLine, feedOf } from '../say/events.ts'
import { current, jobTitle, STAGES, type StageName, stageOfJob } from '../say/stages.ts'

interface LifecycleProps {
  overview: OverviewAnswer | null
  events: readonly Event[]
  cut: string | null
}

/** Where each stage is shown in full. */
const STAGE_PAGES: Record<StageName, string> = {
  propose: '/proposals',
  govern: '/proposals',
  gather: '/datanets',
  train: '/models',
  evaluate: '/models',
  align: '/accounts',
  serve: '/models',
  attribute: '/accounts',
  reward: '/epochs',
  recourse: '/disputes',
}

/** The lifecycle as a line of stations, with what each has seen so far and the one that is running. */
export function Lifecycle({ overview, events, cut }: LifecycleProps) {
  const now = overview && current(overview, events)
  const reached = overview ? STAGES.map((stage) => !/^0$/.test(stage.figure(overview))) : []
  return (
    <section className="lifecycle" aria-labelledby="lifecycle-title">
      <h2 id="lifecycle-title" className="hidden">
        The lifecycle
      </h2>
      <p className="now" aria-live="polite">
        {nowLine(overview, feedOf(events, cut)[0], now)}
      </p>
      <ol>
        {STAGES.map((stage, place) => {
          const here = now?.stage === stage.name
          const state = here ? (now.working ? 'running' : 'latest') : reached[place] ? 'seen' : 'waiting'
          return (
            <li
              key={stage.name}
              className={`stage is-${state}`}
              data-stage={stage.name}
              aria-current={here ? 'step' : undefined}
            >
              <span className="rail" aria-hidden="true">
                <i />
              </span>
              <h3>
                <Link href={STAGE_PAGES[stage.name]}>{stage.title}</Link>
              </h3>
              <p className="stage-figure">
                {overview ? (
                  <>
                    <b>{stage.figure(overview)}</b> {stage.unit(overview)}
                  </>
                ) : (
                  <b>–</b>
                )}
              </p>
              <p className="stage-note">
                {here
                  ? now.working
                    ? 'running now'
                    : 'happened last'
                  : overview && reached[place]
                    ? stage.note(overview)
                    : ' '}
              </p>
              <p className="stage-says">{stage.says}</p>
            </li>
          )
        })}
      </ol>
    </section>
  )
}

function nowLine(overview: OverviewAnswer | null, last: FeedLine | undefined, now: ReturnType<typeof current>) {
  if (!overview) return 'Reading…'
  const job = now?.working && overview.open.nodes.find((one) => stageOfJob(one.kind) === now.stage)
  if (job)
    return (
      <>
        <b>Now</b> {jobTitle(job)}:{' '}
        {job.status === 'Waiting'
          ? 'waiting for a service'
          : (job.stage ?? (job.status === 'Queued' ? 'waiting for a worker' : 'starting'))}
        {job.status === 'Running' && job.progress >= 0.01 && `, ${Math.round(job.progress * 100)} %`}
      </>
    )
  if (last)
    return (
      <>
        <b>Last</b> {last.text}
      </>
    )
  return (
    <>
      <b>Quiet</b> Nothing has happened yet. The page fills itself as soon as someone proposes a model.
    </>
  )
}
