import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'
import { pause } from '../pause.ts'
import { graphql } from './document.ts'

const JOB = graphql('query ($id: ID!) { job(id: $id) { kind status result error progress stage } }')

/** A job ended without a result. */
export class JobFailedError extends ClientError {
  override name = 'JobFailedError'
  constructor(
    message: string,
    readonly code: string | undefined,
  ) {
    super(message)
  }
}

/** Waits until a job has ended, and returns its result. @throws JobFailedError when it failed or was cancelled. */
export async function waitForJob<Result>(client: Client, id: string): Promise<Result> {
  for (;;) {
    const { job } = await client.ask(JOB, { id })
    if (!job) throw new JobFailedError(`There is no job ${id}. It may have been deleted since.`, 'NO_JOB')
    if (job.status === 'Succeeded') return job.result as Result
    if (job.status === 'Failed' || job.status === 'Cancelled') {
      const { code, message } = (job.error ?? {}) as { code?: string; message?: string }
      throw new JobFailedError(`${job.kind} ${job.status}: ${code ?? ''} ${message ?? ''}`.trim(), code)
    }
    await pause(client.pollMs, client.signal)
  }
}
