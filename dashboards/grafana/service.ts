import { DashboardBuilder, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard'
import { PanelBuilder as Stat } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as Series } from '@grafana/grafana-foundation-sdk/timeseries'
import { PROMETHEUS, prom } from './sources.ts'

const SMALL = { h: 4, w: 6, x: 0, y: 0 }
const WIDE = { h: 8, w: 12, x: 0, y: 0 }

const stat = (title: string, says: string, expr: string, unit: string) =>
  new Stat()
    .title(title)
    .description(says)
    .datasource(PROMETHEUS)
    .unit(unit)
    .span(SMALL.w)
    .height(SMALL.h)
    .withTarget(prom(expr))

const series = (title: string, says: string, unit: string, ...targets: [expr: string, legend: string][]) =>
  targets.reduce(
    (panel, [expr, legend], place) => panel.withTarget(prom(expr, legend).refId(String.fromCharCode(65 + place))),
    new Series().title(title).description(says).datasource(PROMETHEUS).unit(unit).min(0).span(WIDE.w).height(WIDE.h),
  )

const quantile = (q: number) =>
  `histogram_quantile(${q}, sum by (le, operation) (rate(modelcommons_graphql_request_seconds_bucket[$__rate_interval])))`

const engineWait = (q: number) =>
  `histogram_quantile(${q}, sum by (le, task) (rate(modelcommons_engine_wait_seconds_bucket[$__rate_interval])))`

const firstToken = (q: number) =>
  `histogram_quantile(${q}, sum by (le, endpoint) (rate(modelcommons_answer_first_token_seconds_bucket[$__rate_interval])))`

const betweenTokens = (q: number) =>
  `histogram_quantile(${q}, sum by (le, endpoint) (rate(modelcommons_answer_token_seconds_bucket[$__rate_interval])))`

/** For operators: the health of index, jobs, API and processes. */
export const serviceBoard = () =>
  new DashboardBuilder('ModelCommons: service')
    .uid('modelcommons-service')
    .tags(['modelcommons'])
    .refresh('10s')
    .time({ from: 'now-30m', to: 'now' })
    .timezone('browser')
    .withRow(new RowBuilder('Now'))
    .withPanel(stat('Block', 'The last block whose rows are stored.', 'max(modelcommons_index_block)', 'none'))
    .withPanel(stat('Lag', 'Blocks between the head and the index.', 'max(modelcommons_index_lag_blocks)', 'none'))
    .withPanel(
      stat(
        'Workers alive',
        'Workers with a heartbeat in the last 15 seconds.',
        'sum(max by (device) (modelcommons_workers))',
        'none',
      ),
    )
    .withPanel(
      stat(
        'Jobs that failed',
        'In total.',
        'sum(max by (kind) (modelcommons_jobs{status="Failed"})) or vector(0)',
        'none',
      ),
    )
    .withRow(new RowBuilder('Index and jobs'))
    .withPanel(
      series(
        'Blocks',
        'Stored, and final.',
        'none',
        ['max by (chain) (modelcommons_index_block)', 'stored {{chain}}'],
        ['max by (chain) (modelcommons_index_final_block)', 'final {{chain}}'],
      ),
    )
    .withPanel(
      series('Jobs by status', 'The number of jobs in each status.', 'none', [
        'sum by (status) (max by (kind, status) (modelcommons_jobs))',
        '{{status}}',
      ]),
    )
    .withPanel(
      series('How long jobs take', 'The median of the last hundred jobs that succeeded, by kind.', 's', [
        'max by (kind) (modelcommons_job_seconds)',
        '{{kind}}',
      ]),
    )
    .withPanel(
      series(
        'Fees redeemed',
        'In gOPEN, by endpoint, and what consumers owe beyond their credit.',
        'none',
        ['max by (endpoint) (modelcommons_fees_wei) / 1e18', 'endpoint {{endpoint}}'],
        ['max by (endpoint) (modelcommons_fees_uncovered_wei) / 1e18', 'not covered {{endpoint}}'],
      ),
    )
    .withPanel(
      series(
        'RPC endpoints',
        'How often the indexer changed to another endpoint, and how often endpoints disagreed, in the last hour.',
        'none',
        ['increase(modelcommons_index_failovers_total[1h])', 'failovers {{chain}}'],
        ['increase(modelcommons_index_disagreements_total[1h])', 'disagreements {{chain}}'],
      ),
    )
    .withPanel(
      series(
        'Logs without a witness',
        'Final ranges of which only one of several RPC endpoints told the logs, and blocks of which a node told other logs later, in the last hour.',
        'none',
        ['increase(modelcommons_index_unwitnessed_ranges_total[1h])', 'ranges without a witness {{chain}}'],
        ['increase(modelcommons_index_corrected_blocks_total[1h])', 'corrected blocks {{chain}}'],
      ),
    )
    .withPanel(
      series('Drift', 'Values of the latest sample that differ from the contracts, by governor.', 'none', [
        'max by (governor) (modelcommons_index_drift)',
        '{{governor}}',
      ]),
    )
    .withPanel(
      series('How long jobs wait', 'The oldest queued job of each kind.', 's', [
        'max by (kind) (modelcommons_job_queue_seconds)',
        '{{kind}}',
      ]),
    )
    .withPanel(
      series('Jobs that wait', 'For a service or a resource, by reason.', 'none', [
        'max by (reason) (modelcommons_jobs_waiting)',
        '{{reason}}',
      ]),
    )
    .withPanel(
      series(
        'Signer',
        'Transactions that are not mined, and those that the node does not know.',
        'none',
        ['max by (sender) (modelcommons_transactions_unmined)', 'not mined {{sender}}'],
        ['max by (account) (modelcommons_signer_missing_nonces)', 'unknown to the node {{account}}'],
      ),
    )
    .withRow(new RowBuilder('Workers'))
    .withPanel(
      series('Tokens per second', 'Of answers, by worker.', 'none', [
        'rate(modelcommons_engine_tokens_total[$__rate_interval])',
        '{{instance}}',
      ]),
    )
    .withPanel(
      series('Training steps per second', 'By worker.', 'none', [
        'rate(modelcommons_engine_steps_total[$__rate_interval])',
        '{{instance}}',
      ]),
    )
    .withPanel(
      series(
        'Wait for the engine',
        'The median and the 99th percentile of the time that a task waits for an engine process.',
        's',
        [engineWait(0.5), 'p50 {{task}}'],
        [engineWait(0.99), 'p99 {{task}}'],
      ),
    )
    .withPanel(
      series(
        'Memory',
        'Of engine processes and GPUs.',
        'bytes',
        ['modelcommons_engine_memory_bytes', '{{lane}} {{instance}}'],
        ['modelcommons_gpu_memory_used_bytes', 'GPU {{gpu}} {{instance}}'],
      ),
    )
    .withRow(new RowBuilder('Answers'))
    .withPanel(
      series(
        'Time to first token',
        'Of streamed answers, by endpoint: the median and the 99th percentile.',
        's',
        [firstToken(0.5), 'p50 endpoint {{endpoint}}'],
        [firstToken(0.99), 'p99 endpoint {{endpoint}}'],
      ),
    )
    .withPanel(
      series(
        'Time between tokens',
        'Of streamed answers, by endpoint: the median and the 99th percentile of the mean interval of an answer.',
        's',
        [betweenTokens(0.5), 'p50 endpoint {{endpoint}}'],
        [betweenTokens(0.99), 'p99 endpoint {{endpoint}}'],
      ),
    )
    .withPanel(
      series(
        'Answers in a batch',
        'The mean size of a batch of answers by worker, and the streams to clients of each API.',
        'none',
        [
          'rate(modelcommons_engine_batch_answers_total{lane="infer"}[$__rate_interval]) / rate(modelcommons_engine_batch_runs_total{lane="infer"}[$__rate_interval])',
          'batch {{instance}}',
        ],
        ['modelcommons_answer_streams', 'streams {{instance}}'],
      ),
    )
    .withPanel(
      series(
        'Tokens of prompts per second',
        'Those that were read, and those that were known from an earlier text.',
        'none',
        ['sum(rate(modelcommons_engine_prompt_tokens_total[$__rate_interval]))', 'read'],
        ['sum(rate(modelcommons_engine_cached_tokens_total[$__rate_interval]))', 'known'],
      ),
    )
    .withRow(new RowBuilder('API'))
    .withPanel(
      series('Requests per second', 'GraphQL, by kind of operation.', 'reqps', [
        'sum by (operation) (rate(modelcommons_graphql_request_seconds_count[$__rate_interval]))',
        '{{operation}}',
      ]),
    )
    .withPanel(
      series(
        'How long requests take',
        'The median and the 99th percentile.',
        's',
        [quantile(0.5), 'p50 {{operation}}'],
        [quantile(0.99), 'p99 {{operation}}'],
      ),
    )
    .withPanel(
      series('Errors per second', 'By the error code that the caller received.', 'reqps', [
        'sum by (code) (rate(modelcommons_graphql_errors_total[$__rate_interval]))',
        '{{code}}',
      ]),
    )
    .withPanel(
      series(
        'Process',
        'Memory of each service, and the size of the database.',
        'bytes',
        ['modelcommons_process_resident_memory_bytes', 'memory of {{instance}}'],
        ['max(modelcommons_database_bytes)', 'database'],
      ),
    )
