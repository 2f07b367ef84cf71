import type { Event, PulseAnswer } from '../data/documents.ts'
import { type FeedLine, feedOf } from '../say/events.ts'
import { current, jobTitle, STAGES, stageOfJob } from '../say/stages.ts'

interface LifecycleProps {
  pulse: PulseAnswer | null
  events: readonly Event[]
  cut: string | null
}

/** The lifecycle as a line of stations, with what each has seen so far and the one that is running. */
export function Lifecycle({ pulse, events, cut }: LifecycleProps) {
  const now = pulse && current(pulse, events)
  const reached = pulse ? STAGES.map((stage) => !/^0$/.test(stage.figure(pulse))) : []
  return (
    <section className="lifecycle" aria-labelledby="lifecycle-title">
      <h2 id="lifecycle-title" className="hidden">
        The lifecycle
      </h2>
      <p className="now" aria-live="polite">
        {nowLine(pulse, feedOf(events, cut)[0], now)}
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
              <h3>{stage.title}</h3>
              <p className="stage-figure">
                {pulse ? (
                  <>
                    <b>{stage.figure(pulse)}</b> {stage.unit(pulse)}
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
                  : pulse && reached[place]
                    ? stage.note(pulse)
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

function nowLine(pulse: PulseAnswer | null, last: FeedLine | undefined, now: ReturnType<typeof current>) {
  if (!pulse) return 'Reading the state of the house…'
  const job = now?.working && pulse.open.nodes.find((one) => stageOfJob(one.kind) === now.stage)
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
