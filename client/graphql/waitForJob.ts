import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'
import { pauses } from '../pause.ts'
import { graphql } from './document.ts'

const JOB = graphql('query ($id: ID!) { job(id: $id) { kind status result error progress stage } }')

/** A job ended without a result. */
export class JobFailedError extends ClientError {
  override name = 'JobFailedError'
  constructor(
    message: string,
    readonly code: string | undefined,
    readonly jobId: string,
  ) {
    super(message)
  }
}

/** Whether a job has ended without a result, and is not being tried again. */
export async function hasFailed(client: Client, id: string): Promise<boolean> {
  const { job } = await client.ask(JOB, { id })
  return !job || job.status === 'Failed' || job.status === 'Cancelled'
}

/** Waits until a job has ended, and returns its result; tells each stage of it as the progress of `act`. @throws JobFailedError when it failed or was cancelled. */
export async function waitForJob<Result>(client: Client, id: string, act?: string): Promise<Result> {
  const pause = pauses(client)
  let told = ''
  for (;;) {
    const { job } = await client.ask(JOB, { id })
    if (!job) throw new JobFailedError(`There is no job ${id}. It may have been deleted since.`, 'NO_JOB', id)
    if (job.status === 'Succeeded') return job.result as Result
    if (job.status === 'Failed' || job.status === 'Cancelled') {
      const { code, message } = (job.error ?? {}) as { code?: string; message?: string }
      throw new JobFailedError(`${job.kind} ${job.status}: ${code ?? ''} ${message ?? ''}`.trim(), code, id)
    }
    const step = job.stage ?? job.status.toLowerCase()
    if (act && step !== told) client.onProgress?.({ act, step })
    told = step
    await pause()
  }
}
