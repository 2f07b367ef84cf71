import type { TadaDocumentNode } from 'gql.tada'
import type { Client } from '../client.ts'
import { graphql, type VariablesOf } from '../graphql/document.ts'
import { waitForJob } from '../graphql/waitForJob.ts'

/** The jobs that an operator may request, besides calls. */
const JOBS = {
  scoreDatanet: graphql(
    'mutation ($input: ScoreInput!, $key: String!) { job: scoreDatanet(input: $input, idempotencyKey: $key) { id } }',
  ),
  fineTune: graphql(
    'mutation ($input: FineTuneInput!, $key: String!) { job: fineTune(input: $input, idempotencyKey: $key) { id } }',
  ),
  evaluate: graphql(
    'mutation ($input: EvaluateInput!, $key: String!) { job: evaluate(input: $input, idempotencyKey: $key) { id } }',
  ),
  compare: graphql(
    'mutation ($input: CompareInput!, $key: String!) { job: compare(input: $input, idempotencyKey: $key) { id } }',
  ),
  settleFeedback: graphql(
    'mutation ($input: SettleFeedbackInput!, $key: String!) { job: settleFeedback(input: $input, idempotencyKey: $key) { id } }',
  ),
  rlhf: graphql(
    'mutation ($input: RlhfInput!, $key: String!) { job: rlhf(input: $input, idempotencyKey: $key) { id } }',
  ),
  pointEndpoint: graphql(
    'mutation ($input: PointEndpointInput!, $key: String!) { job: pointEndpoint(input: $input, idempotencyKey: $key) { id } }',
  ),
  resolveDispute: graphql(
    'mutation ($input: ResolveDisputeInput!, $key: String!) { job: resolveDispute(input: $input, idempotencyKey: $key) { id } }',
  ),
  settleEpoch: graphql(
    'mutation ($input: SettleEpochInput!, $key: String!) { job: settleEpoch(input: $input, idempotencyKey: $key) { id } }',
  ),
}

type OperatorJob = keyof typeof JOBS
type InputOf<K extends OperatorJob> = VariablesOf<(typeof JOBS)[K]>['input']

/**
 * Requests a job of the workers, and waits for its result. Needs an operator's key of the API, unless it is open. The same key gives the same job.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, operate } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * await assert.rejects(operate(client, 'scoreDatanet', { datanetId: '99' }, 'score 99'), /99/) // else the job's result
 * ```
 */
export async function operate<K extends OperatorJob, Result = unknown>(
  client: Client,
  kind: K,
  input: InputOf<K>,
  key: string,
): Promise<Result> {
  const document = JOBS[kind] as unknown as TadaDocumentNode<{ job: { id: string } }, { input: unknown; key: string }>
  const { job } = await client.ask(document, { input, key })
  return waitForJob<Result>(client, job.id, kind)
}
