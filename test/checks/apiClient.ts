import type { TadaDocumentNode } from 'gql.tada'
import { type Client, graphql, waitForJob } from '#client/index.ts'
import type { JobKind } from '#schema/jobs.ts'

/** A job that takes longer than this hangs. */
const JOB_TIME_MS = 900_000

/** What checks ask of the API besides the acts of people: queries, and the jobs of an operator. */
export class ApiClient {
  constructor(private readonly client: Client) {}

  /** @throws as the client's `ask` */
  query<T = Record<string, unknown>>(document: string, variables: Record<string, unknown> = {}): Promise<T> {
    return this.client.ask(graphql(document) as unknown as TadaDocumentNode<T, typeof variables>, variables)
  }

  /** Requests a job and waits for its result. @throws JobFailedError when it failed or was cancelled, Error when it has not ended in time. */
  async runJob<R = Record<string, unknown>>(kind: JobKind, input: object, key: string): Promise<R> {
    const id = await this.requestJob(kind, input, key)
    const late = new AbortController()
    const overdue = () => late.abort(new Error(`${kind} ${id} has not ended within ${JOB_TIME_MS / 60_000} minutes.`))
    const timer = setTimeout(overdue, JOB_TIME_MS)
    const { signal = late.signal } = this.client
    try {
      return await waitForJob<R>({ ...this.client, signal: AbortSignal.any([signal, late.signal]) }, id)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Requests a job and returns its id. */
  async requestJob(kind: JobKind, input: object, key: string): Promise<string> {
    const [declared, passed] = kind === 'redeem' ? ['', ''] : [`$input: ${INPUTS[kind]}!, `, 'input: $input, ']
    const { job } = await this.query<{ job: { id: string } }>(
      `mutation (${declared}$key: String!) { job: ${kind}(${passed}idempotencyKey: $key) { id } }`,
      { input, key },
    )
    return job.id
  }
}

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
  monitorVersion: 'MonitorInput',
  disputeVersion: 'DisputeVersionInput',
  settleEpoch: 'SettleEpochInput',
  relay: 'RelayInput',
  resolveDispute: 'ResolveDisputeInput',
}
