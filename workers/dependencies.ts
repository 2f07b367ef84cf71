import type { Deployment } from '#contracts/deploy.ts'
import type { EngineEvent } from '#engine/process/index.ts'
import type { ArtifactStore } from '#schema/artifacts/index.ts'
import type { AnswerJournal } from '#schema/journal/answers.ts'
import type { AnswerStreams } from './answerStreams.ts'
import type { ChainClient } from './chain.ts'
import type { EnginePool } from './enginePool.ts'
import type { JobContext } from './job.ts'

/** What handlers that run no model need besides their job. */
export interface ChainDependencies {
  /** The folder for files fetched from the artifact store. */
  cache: string
  deployment: Deployment
  /** The hosts whose endpoints are answered, in lower case; by default the workers' own account. */
  hosts?: readonly string[]
  /** Fees of a channel below this, in wei, are left for later, unless a withdrawal would take their credit; by default none are. */
  redeemMin?: bigint
  /** How long an epoch waits for the usage documents of other hosts, in seconds after its last block; by default not at all. */
  usageWaitSeconds?: number
  /** Signs and pays what is relayed, with a key of its own. */
  relayer?: ChainClient
}

/** What handlers need besides their job. */
export interface Dependencies extends ChainDependencies {
  journal: Pick<AnswerJournal, 'append'>
  engine: EnginePool
  /** Where running answers can be read; without it, an answer is read when it is complete. */
  streams?: Pick<AnswerStreams, 'open'>
}

/** Options for an engine task that forward its metrics to the job, and its progress as the part of the job from `from` to `to`. */
export const forwardProgress = (
  job: Pick<JobContext, 'report' | 'metric' | 'alive' | 'signal'>,
  from: number,
  to: number,
  stage: string,
) => {
  let warning: string | undefined
  return {
    signal: job.signal,
    onEvent(event: EngineEvent) {
      if (event.type === 'metric') job.metric(event.name, event.step, event.value)
      else if (event.type === 'progress') {
        const text = event.stage ?? stage
        job.report(from + (to - from) * event.done, warning ? `${text}; ${warning}` : text)
      } else if (event.type === 'warning') warning = event.text
      else job.alive()
    },
  }
}

/** The job's artifact store; what is put there is listed as an artifact of `kind`. */
export const storeAs = (
  job: Pick<JobContext, 'put'>,
  kind: string,
  mediaType = 'application/json',
): Pick<ArtifactStore, 'put' | 'putFile'> => ({
  put: (bytes) => job.put({ kind, mediaType, bytes }),
  putFile: (path) => job.put({ kind, mediaType, bytes: path }),
})
