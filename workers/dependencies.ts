import type { Deployment } from '#contracts/deploy.ts'
import type { EngineEvent } from '#engine/process/index.ts'
import type { ArtifactStore } from '#schema/artifacts.ts'
import type { EnginePool } from './enginePool.ts'
import type { JobContext } from './job.ts'

/** What handlers use besides their job: the engine, and a folder for fetched files. */
export interface Dependencies {
  engine: EnginePool
  cache: string
  deployment: Deployment
}

/** Shows a task of the engine as the part of the job from `from` to `to`: its progress and its curves. */
export const forwardProgress = (
  job: Pick<JobContext, 'report' | 'metric' | 'signal'>,
  from: number,
  to: number,
  stage: string,
) => ({
  signal: job.signal,
  onEvent(event: EngineEvent) {
    if (event.type === 'metric') job.metric(event.name, event.step, event.value)
    else if (event.type === 'progress') job.report(from + (to - from) * event.done, event.stage ?? stage)
  },
})

/** The job's store, which lists what is put there as artifacts of `kind`. */
export const storeAs = (
  job: Pick<JobContext, 'put'>,
  kind: string,
  mediaType = 'application/json',
): Pick<ArtifactStore, 'put'> => ({
  put: (bytes) => job.put({ kind, mediaType, bytes }),
})
