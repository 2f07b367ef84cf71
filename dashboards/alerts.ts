/** The alarms, as code: `node --import tsx dashboards/emitAlerts.ts` writes `alerts.yml` for Prometheus, and `modelcommons doctor` evaluates those
 *  with a `limit` by itself. Each has a section of its name in `docs/for-operators.md`: what it means and what to do. */

export interface Alert {
  /** Also the heading of its section. */
  name: string
  severity: 'critical' | 'warning' | 'info'
  /** What is the case, for the person who is woken up. Prometheus fills in `{{ $labels.… }}` and `{{ $value }}`. */
  summary: string
  /** For how long it must hold. */
  minutes: number
  /** A limit of one metric of the whole system, which every API or worker exports alike: the maximum (or minimum) counts, by `by`. */
  limit?: Limit
  /** Any other condition, in PromQL. */
  expr?: string
}

export interface Limit {
  /** With prefix. */
  metric: string
  by?: readonly string[]
  /** Only series with these labels. */
  where?: Readonly<Record<string, string>>
  /** Only series without these. */
  whereNot?: Readonly<Record<string, string>>
  above?: number
  below?: number
}

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const GIB = 2 ** 30

/** The limits that an operator may want to look up or change. */
export const LIMITS_OF_ALERTS = {
  lagBlocks: 100,
  silentIndexerSeconds: 60,
  silentStewardSeconds: 300,
  queuedAnswerSeconds: 30,
  firstTokenSeconds: 15,
  queuedJobSeconds: 30 * MINUTE,
  waitingSeconds: 2 * MINUTE,
  unminedSeconds: 10 * MINUTE,
  unsettledSeconds: 8 * DAY,
  undrawnBlocks: 100,
  signerTransactions: 100,
  reorganisedBlocks: 12,
  freeDiskGiB: 2,
  freeDisk: 0.1,
  connectionsUsed: 0.8,
  gpuMemoryUsed: 0.95,
  errorsPerRequest: 0.02,
} as const
const L = LIMITS_OF_ALERTS

export const alerts: readonly Alert[] = [
  {
    name: 'ServiceDown',
    severity: 'critical',
    summary: '{{ $labels.service }} at {{ $labels.instance }} does not answer.',
    minutes: 1,
    expr: 'up == 0',
  },
  {
    name: 'NoActiveIndexer',
    severity: 'critical',
    summary: 'No indexer follows the chain.',
    minutes: 1,
    expr: 'max by (chain) (modelcommons_index_active) == 0 or absent(modelcommons_index_active)',
  },
  {
    name: 'IndexerSilent',
    severity: 'critical',
    summary: 'No indexer of chain {{ $labels.chain }} has been heard of for {{ $value }} s.',
    minutes: 0,
    limit: { metric: 'modelcommons_indexer_silent_seconds', by: ['chain'], above: L.silentIndexerSeconds },
  },
  {
    name: 'IndexerLagging',
    severity: 'critical',
    summary: 'The index of chain {{ $labels.chain }} is {{ $value }} blocks behind its head.',
    minutes: 2,
    limit: { metric: 'modelcommons_index_lag_blocks', by: ['chain'], above: L.lagBlocks },
  },
  {
    name: 'IndexerFailing',
    severity: 'warning',
    summary: 'The indexer of chain {{ $labels.chain }} fails again and again: {{ $value }} rounds in a row.',
    minutes: 5,
    expr: 'max by (chain) (modelcommons_index_consecutive_failures) > 0',
  },
  {
    name: 'NoStandbyIndexer',
    severity: 'info',
    summary: 'No second indexer waits: nobody takes over when the active one is lost.',
    minutes: 15,
    expr: 'max by (chain) (modelcommons_index_standby) == 0 or absent(modelcommons_index_standby)',
  },
  {
    name: 'EndpointsDisagree',
    severity: 'critical',
    summary: 'RPC endpoints of chain {{ $labels.chain }} reported different things.',
    minutes: 0,
    expr: 'sum by (chain) (increase(modelcommons_index_disagreements_total[15m])) > 0',
  },
  {
    name: 'NoSecondWitness',
    severity: 'warning',
    summary: 'Final ranges of chain {{ $labels.chain }} come from one RPC endpoint: no other could answer.',
    minutes: 15,
    expr: 'sum by (chain) (increase(modelcommons_index_unwitnessed_ranges_total[15m])) > 0',
  },
  {
    name: 'DeepReorganisation',
    severity: 'critical',
    summary: '{{ $value }} blocks of chain {{ $labels.chain }} were retracted within an hour.',
    minutes: 0,
    expr: `sum by (chain) (increase(modelcommons_index_retracted_blocks_total[1h])) > ${L.reorganisedBlocks}`,
  },
  {
    name: 'IndexDrift',
    severity: 'critical',
    summary: '{{ $value }} values of the index differ from the contracts of {{ $labels.governor }}.',
    minutes: 0,
    limit: { metric: 'modelcommons_index_drift', by: ['governor'], above: 0 },
  },
  {
    name: 'NoWorker',
    severity: 'critical',
    summary: 'No worker is alive: no job runs.',
    minutes: 1,
    expr: 'absent(modelcommons_workers) or sum(max by (device) (modelcommons_workers)) == 0',
  },
  {
    name: 'WorkerLost',
    severity: 'warning',
    summary: '{{ $value }} workers ended without saying so.',
    minutes: 0,
    limit: { metric: 'modelcommons_workers_lost', above: 0 },
  },
  {
    name: 'LaneUnserved',
    severity: 'critical',
    summary: '{{ $value }} jobs of the lane {{ $labels.lane }} are queued, and no live worker takes them.',
    minutes: 1,
    limit: { metric: 'modelcommons_lane_unserved_jobs', by: ['lane'], above: 0 },
  },
  {
    name: 'RelayUnserved',
    severity: 'critical',
    summary: '{{ $labels.instance }} takes signed acts, and no live worker sends them.',
    minutes: 1,
    expr: 'modelcommons_relay_unserved == 1',
  },
  {
    name: 'AnswersWait',
    severity: 'critical',
    summary: 'The oldest call has waited {{ $value }} s for a worker.',
    minutes: 1,
    limit: {
      metric: 'modelcommons_job_queue_seconds',
      by: ['kind'],
      where: { kind: 'infer' },
      above: L.queuedAnswerSeconds,
    },
  },
  {
    name: 'FirstTokenSlow',
    severity: 'warning',
    summary: 'Half of the streamed answers of endpoint {{ $labels.endpoint }} begin after more than {{ $value }} s.',
    minutes: 5,
    expr: `histogram_quantile(0.5, sum by (endpoint, le) (rate(modelcommons_answer_first_token_seconds_bucket[10m]))) > ${L.firstTokenSeconds}`,
  },
  {
    name: 'JobsQueued',
    severity: 'warning',
    summary: 'The oldest {{ $labels.kind }} has waited {{ $value }} s for a worker.',
    minutes: 5,
    limit: { metric: 'modelcommons_job_queue_seconds', by: ['kind'], above: L.queuedJobSeconds },
  },
  {
    name: 'JobsWait',
    severity: 'critical',
    summary: 'Jobs have waited for {{ $labels.reason }} for {{ $value }} s.',
    minutes: 1,
    limit: {
      metric: 'modelcommons_job_waiting_seconds',
      by: ['reason'],
      whereNot: { reason: 'PENDING' },
      above: L.waitingSeconds,
    },
  },
  {
    name: 'JobStalled',
    severity: 'critical',
    summary: '{{ $value }} running jobs of kind {{ $labels.kind }} have no heartbeat, and nobody queues them again.',
    minutes: 1,
    limit: { metric: 'modelcommons_jobs_stalled', by: ['kind'], above: 0 },
  },
  {
    name: 'S3CircuitOpen',
    severity: 'critical',
    summary: '{{ $labels.instance }} does not reach the artifact store.',
    minutes: 1,
    expr: 'modelcommons_s3_circuit_open == 1',
  },
  {
    name: 'RpcCircuitOpen',
    severity: 'critical',
    summary: '{{ $labels.instance }} does not reach the node of RPC_URL.',
    minutes: 1,
    expr: 'modelcommons_rpc_circuit_open == 1',
  },
  {
    name: 'RemovedDataServed',
    severity: 'warning',
    summary:
      'Endpoint {{ $labels.endpoint }} serves version {{ $labels.version }}, which learned from {{ $value }} contributions that were taken down or withdrawn.',
    minutes: 0,
    limit: { metric: 'modelcommons_served_removed_contributions', by: ['endpoint', 'version'], above: 0 },
  },
  {
    name: 'MirrorCorrupt',
    severity: 'warning',
    summary: '{{ $labels.mirror }} sent other bytes than those of the artifact to {{ $labels.instance }}.',
    minutes: 0,
    expr: 'increase(modelcommons_mirror_reads_total{outcome="corrupt"}[1h]) > 0',
  },
  {
    name: 'QueueSilent',
    severity: 'critical',
    summary: '{{ $labels.instance }} gets no answer from the queue.',
    minutes: 1,
    expr: 'modelcommons_queue_answers == 0',
  },
  {
    name: 'SignerBalanceLow',
    severity: 'critical',
    summary: 'The account {{ $labels.account }} can pay for {{ $value }} more transactions.',
    minutes: 5,
    limit: {
      metric: 'modelcommons_signer_transactions_left',
      by: ['chain', 'account'],
      below: L.signerTransactions,
    },
  },
  {
    name: 'TransactionNotMined',
    severity: 'warning',
    summary: 'A transaction of {{ $labels.sender }} has waited {{ $value }} s to be mined.',
    minutes: 1,
    limit: { metric: 'modelcommons_transaction_unmined_seconds', by: ['sender'], above: L.unminedSeconds },
  },
  {
    name: 'NonceGap',
    severity: 'warning',
    summary: 'The node does not know {{ $value }} signed transactions of {{ $labels.account }}.',
    minutes: 5,
    limit: { metric: 'modelcommons_signer_missing_nonces', by: ['chain', 'account'], above: 0 },
  },
  {
    name: 'AnswersUntraced',
    severity: 'critical',
    summary: '{{ $value }} answers could not be traced to contributions: their epoch stays open, for at most 72 hours.',
    minutes: 5,
    limit: { metric: 'modelcommons_answers_untraced', above: 0 },
  },
  {
    name: 'EpochOverdue',
    severity: 'warning',
    summary: 'The oldest answer has waited {{ $value }} s for the settlement of its epoch.',
    minutes: 60,
    limit: { metric: 'modelcommons_receipt_unsettled_seconds', above: L.unsettledSeconds },
  },
  {
    name: 'FeesUncovered',
    severity: 'info',
    summary: 'Answers of endpoint {{ $labels.endpoint }} for {{ $value }} wei can no longer be redeemed.',
    minutes: 5,
    limit: { metric: 'modelcommons_fees_uncovered_wei', by: ['endpoint'], above: 0 },
  },
  {
    name: 'SeatsUndrawn',
    severity: 'warning',
    summary: 'A round has waited {{ $value }} blocks for the draw of its seats.',
    minutes: 0,
    limit: { metric: 'modelcommons_seats_undrawn_blocks', above: L.undrawnBlocks },
  },
  {
    name: 'VersionBelowMandate',
    severity: 'critical',
    summary:
      'Version {{ $labels.version }} of model {{ $labels.model }} serves, and its rolling evaluation is below the mandate.',
    minutes: 0,
    limit: { metric: 'modelcommons_versions_below_mandate', by: ['model', 'version'], above: 0 },
  },
  {
    name: 'StewardHeld',
    severity: 'warning',
    summary: 'The steward holds {{ $value }} models: a job failed for good, or was cancelled.',
    minutes: 5,
    limit: { metric: 'modelcommons_steward_models', where: { state: 'Held' }, above: 0 },
  },
  {
    name: 'StewardSilent',
    severity: 'warning',
    summary: 'No steward has looked at the models for {{ $value }} s.',
    minutes: 0,
    limit: { metric: 'modelcommons_steward_silent_seconds', above: L.silentStewardSeconds },
  },
  {
    name: 'DatabaseConnections',
    severity: 'warning',
    summary: 'PostgreSQL has few connections left.',
    minutes: 2,
    limit: { metric: 'modelcommons_database_connections_used', above: L.connectionsUsed },
  },
  {
    name: 'MetricFailing',
    severity: 'warning',
    summary: 'The statement of the metric {{ $labels.metric }} fails.',
    minutes: 5,
    expr: 'sum by (metric) (increase(modelcommons_metric_failures_total[5m])) > 0',
  },
  {
    name: 'DiskNearlyFull',
    severity: 'critical',
    summary: 'The disk of {{ $labels.instance }} has {{ $value }} bytes left.',
    minutes: 2,
    expr: `modelcommons_disk_free_bytes < ${L.freeDiskGiB * GIB} or modelcommons_disk_free_bytes < ${L.freeDisk} * modelcommons_disk_size_bytes`,
  },
  {
    name: 'GpuMemory',
    severity: 'warning',
    summary: 'GPU {{ $labels.gpu }} of {{ $labels.instance }} is nearly full.',
    minutes: 5,
    expr: `modelcommons_gpu_memory_used_bytes > ${L.gpuMemoryUsed} * modelcommons_gpu_memory_bytes`,
  },
  {
    name: 'EngineRestarts',
    severity: 'warning',
    summary:
      'The engine of lane {{ $labels.lane }} at {{ $labels.instance }} crashed {{ $value }} times in 15 minutes.',
    minutes: 0,
    expr: 'increase(modelcommons_engine_starts_total[15m]) > 2',
  },
  {
    name: 'ApiErrors',
    severity: 'critical',
    summary: 'The API fails {{ $value }} of all requests by faults of its own.',
    minutes: 5,
    expr: `sum(rate(modelcommons_graphql_errors_total{code="INTERNAL"}[5m])) / sum(rate(modelcommons_graphql_request_seconds_count[5m])) > ${L.errorsPerRequest}`,
  },
]

const series = ({ metric, where = {}, whereNot = {} }: Limit) => {
  const labels = [
    ...Object.entries(where).map(([name, value]) => `${name}="${value}"`),
    ...Object.entries(whereNot).map(([name, value]) => `${name}!="${value}"`),
  ]
  return labels.length ? `${metric}{${labels.join(',')}}` : metric
}

/** The condition of an alert in PromQL. */
export function expressionOf({ expr, limit, name }: Alert): string {
  if (expr) return expr
  if (!limit) throw new Error(`The alert ${name} has neither an expression nor a limit.`)
  const { by = [], above, below } = limit
  const over = above !== undefined ? 'max' : 'min'
  const grouped = by.length ? ` by (${by.join(', ')}) ` : ''
  return `${over}${grouped}(${series(limit)}) ${above !== undefined ? `> ${above}` : `< ${below}`}`
}

/** Whether a sample is beyond the limit. */
export function exceeds(limit: Limit, { labels, value }: { labels: Readonly<Record<string, string>>; value: number }) {
  const { where = {}, whereNot = {}, above, below } = limit
  if (Object.entries(where).some(([name, expected]) => labels[name] !== expected)) return false
  if (Object.entries(whereNot).some(([name, unwanted]) => labels[name] === unwanted)) return false
  return (above !== undefined && value > above) || (below !== undefined && value < below)
}

export const RUNBOOK = 'docs/for-operators.md'

/** The section of an alert, as Markdown's headings are linked. */
export const sectionOf = ({ name }: Pick<Alert, 'name'>): string => `${RUNBOOK}#${name.toLowerCase()}`

/** The rule file of Prometheus. JSON strings are YAML strings, too. */
export function alertRules(): string {
  const lines = [
    '# Generated by dashboards/emitAlerts.ts from dashboards/alerts.ts: not edited by hand.',
    'groups:',
    '  - name: modelcommons',
    '    rules:',
  ]
  for (const alert of alerts)
    lines.push(
      `      - alert: ${alert.name}`,
      `        expr: ${JSON.stringify(expressionOf(alert))}`,
      `        for: ${alert.minutes}m`,
      '        labels:',
      `          severity: ${alert.severity}`,
      '        annotations:',
      `          summary: ${JSON.stringify(alert.summary)}`,
      `          runbook: ${sectionOf(alert)}`,
    )
  return `${lines.join('\n')}\n`
}
