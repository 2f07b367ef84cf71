import { setTimeout as sleep } from 'node:timers/promises'
import { RetriableError } from '#schema/errors.ts'
import type { JobKind } from '#schema/jobs.ts'

/** A job that failed or was cancelled. */
export class JobFailed extends Error {
  override name = 'JobFailed'
}

/** Uses the API as any client does: GraphQL over HTTP, with an idempotency key for every mutation, so that a request without an answer can be
 *  repeated. */
export class ApiClient {
  constructor(
    private readonly url: string,
    private readonly signal: AbortSignal,
  ) {}

  /** @throws Error with the code and the message of the API. While the server or its database does not answer, it retries for a minute. */
  async query<T = Record<string, unknown>>(document: string, variables: Record<string, unknown> = {}): Promise<T> {
    const deadline = Date.now() + TIMEOUT_MS
    for (;;) {
      try {
        return await this.send<T>(document, variables)
      } catch (error) {
        if (!(error instanceof ApiUnavailableError) || Date.now() > deadline) throw error
        await sleep(RETRY_MS, undefined, { signal: this.signal })
      }
    }
  }

  private async send<T>(query: string, variables: Record<string, unknown>): Promise<T> {
    let answer: { data?: T; errors?: { message: string; extensions?: { code?: string } }[] }
    this.signal.throwIfAborted()
    try {
      const response = await fetch(`${this.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      answer = (await response.json()) as typeof answer
    } catch (cause) {
      this.signal.throwIfAborted()
      throw new ApiUnavailableError('The API does not answer.', { cause })
    }
    const fault = answer.errors?.[0]
    if (fault?.extensions?.code === 'INTERNAL') throw new ApiUnavailableError(fault.message)
    if (fault) throw new Error(`${fault.extensions?.code}: ${fault.message}`)
    return answer.data as T
  }

  /** Requests a job and waits for its result. @throws Error when the job fails. */
  async runJob<R = Record<string, unknown>>(kind: JobKind, input: object, key: string): Promise<R> {
    return this.waitForJob<R>(await this.requestJob(kind, input, key))
  }

  /** Requests a job and returns its id. */
  async requestJob(kind: JobKind, input: object, key: string): Promise<string> {
    const [declared, passed] = kind === 'redeem' ? ['', ''] : [`$input: ${INPUTS[kind]}!, `, 'input: $input, ']
    const answer = await this.query<Record<string, { id: string }>>(
      `mutation (${declared}$key: String!) { ${kind}(${passed}idempotencyKey: $key) { id } }`,
      { input, key },
    )
    const job = answer[kind]
    if (!job) throw new Error(`The API gave no job for the mutation ${kind}.`)
    return job.id
  }

  /** Waits until a job ends and returns its result. @throws JobFailed when it failed or was cancelled. */
  async waitForJob<R = Record<string, unknown>>(id: string): Promise<R> {
    for (;;) {
      const { job } = await this.query<{
        job: { kind: string; status: string; result: R; error: { code: string; message: string } | null }
      }>('query ($id: ID!) { job(id: $id) { kind status result error } }', { id })
      if (job.status === 'Succeeded') return job.result
      if (job.status === 'Failed' || job.status === 'Cancelled')
        throw new JobFailed(`${job.kind} ${job.status}: ${job.error?.code} ${job.error?.message}`)
      await sleep(POLL_MS, undefined, { signal: this.signal })
    }
  }

  /** Waits until `block` is indexed. */
  async waitUntilIndexed(block: bigint): Promise<void> {
    for (;;) {
      const { _meta } = await this.query<{ _meta: { block: number | null } }>('{ _meta { block } }')
      if (BigInt(_meta.block ?? -1) >= block) return
      await sleep(POLL_MS, undefined, { signal: this.signal })
    }
  }

  /** Publishes a text and returns its name. */
  async upload(content: string, kind: string): Promise<`0x${string}`> {
    const { uploadArtifact } = await this.query<{ uploadArtifact: { id: `0x${string}` } }>(
      'mutation ($content: String!, $kind: String!, $key: String!) { uploadArtifact(content: $content, kind: $kind, idempotencyKey: $key) { id } }',
      { content, kind, key: `${kind}:${content.slice(0, 100)}` },
    )
    return uploadArtifact.id
  }
}

/** The server or its database does not answer at present. */
class ApiUnavailableError extends RetriableError {
  override name = 'ApiUnavailableError'
}

const TIMEOUT_MS = 60_000
const RETRY_MS = 250
const POLL_MS = 100

/** `redeem` has none. */
const INPUTS: Record<Exclude<JobKind, 'redeem'>, string> = {
  scoreDatanet: 'ScoreInput',
  fineTune: 'FineTuneInput',
  compare: 'CompareInput',
  settleFeedback: 'SettleFeedbackInput',
  rlhf: 'RlhfInput',
  evaluate: 'EvaluateInput',
  infer: 'InferInput',
  attribute: 'AttributeInput',
  pointEndpoint: 'PointEndpointInput',
  settleEpoch: 'SettleEpochInput',
  resolveDispute: 'ResolveDisputeInput',
}
