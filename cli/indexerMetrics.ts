import { Counter, Gauge, type Registry } from 'prom-client'
import type { IndexerStatus } from '#indexer/index.ts'

/** What an indexer process counts since it started, for Prometheus. The API's metrics show what is stored. */

type Reading = Pick<IndexerStatus, 'chainId' | 'block' | 'state' | 'active' | 'counters'>

interface IndexMetric {
  /** Without the prefix `modelcommons_index_`; a counter's name ends in `_total`. */
  name: string
  help: string
  read(status: Reading): number
}

const METRICS: readonly IndexMetric[] = [
  {
    name: 'timeouts_total',
    help: 'RPC requests that were not answered in time.',
    read: ({ counters }) => counters.timeouts,
  },
  {
    name: 'failovers_total',
    help: 'Times that another RPC endpoint had to be used.',
    read: ({ counters }) => counters.failovers,
  },
  {
    name: 'endpoints_left_out_total',
    help: 'Times that an RPC endpoint was left out because it lacks a method or denies access.',
    read: ({ counters }) => counters.endpointsLeftOut,
  },
  {
    name: 'disagreements_total',
    help: 'Times that RPC endpoints reported different things.',
    read: ({ counters }) => counters.disagreements,
  },
  {
    name: 'unwitnessed_ranges_total',
    help: 'Final ranges of which, of several RPC endpoints, only one told the logs: a sample of their blocks was checked.',
    read: ({ counters }) => counters.unwitnessedRanges,
  },
  {
    name: 'corrected_blocks_total',
    help: 'Blocks of which a node told other logs later than when they were new.',
    read: ({ counters }) => counters.correctedBlocks,
  },
  {
    name: 'unexplained_blocks',
    help: 'Blocks near the head whose bloom allows for logs that no node has told yet: they are asked about until they are final.',
    read: ({ counters }) => counters.unexplainedBlocks,
  },
  {
    name: 'failures_total',
    help: 'Rounds that failed and were retried.',
    read: ({ counters }) => counters.failures,
  },
  {
    name: 'consecutive_failures',
    help: 'Rounds that failed since the last round that succeeded.',
    read: ({ counters }) => counters.consecutiveFailures,
  },
  {
    name: 'recoveries_total',
    help: 'Times that a round succeeded after failures.',
    read: ({ counters }) => counters.recoveries,
  },
  {
    name: 'failing_seconds_total',
    help: 'Seconds from a first failure to the recovery, over all recoveries.',
    read: ({ counters }) => counters.failingMs / 1000,
  },
  {
    name: 'reorganisations_total',
    help: 'Reorganisations that were rolled back.',
    read: ({ counters }) => counters.reorganisations,
  },
  {
    name: 'retracted_blocks_total',
    help: 'Blocks that reorganisations retracted.',
    read: ({ counters }) => counters.retractedBlocks,
  },
  {
    name: 'reorganisation_seconds_total',
    help: 'Seconds from noticing a reorganisation to the end of its rollback, over all reorganisations.',
    read: ({ counters }) => counters.reorganisationMs / 1000,
  },
  {
    name: 'active',
    help: '1 while this indexer holds the lock of the chain and writes its rows.',
    read: ({ active }) => Number(active),
  },
  {
    name: 'lease_losses_total',
    help: 'Times that the lock of the chain was lost: its session broke, or could not renew the lease in time.',
    read: ({ counters }) => counters.leaseLosses,
  },
  {
    name: 'standby',
    help: '1 while another indexer holds the lock of the chain and this one waits for it.',
    read: ({ state }) => Number(state === 'waiting'),
  },
  {
    name: 'takeovers_total',
    help: 'Times that this process took over from another indexer.',
    read: ({ counters }) => counters.takeovers,
  },
  {
    name: 'standby_seconds_total',
    help: 'Seconds of waiting before the takeovers.',
    read: ({ counters }) => counters.standbyMs / 1000,
  },
  {
    name: 'set_aside_contracts',
    help: 'Contracts of which nothing is indexed any more, because an event of theirs cannot be.',
    read: ({ counters }) => counters.setAside,
  },
  {
    name: 'head_block',
    help: 'The newest block of the chain, as the nodes say now.',
    read: ({ counters }) => counters.headBlock,
  },
  {
    name: 'lag_blocks',
    help: 'Blocks between the head of the chain and the index.',
    read: ({ block, counters }) => Math.max(0, counters.headBlock - block),
  },
  {
    name: 'stall_warnings_total',
    help: 'Warnings that the index stood still for a minute, though the chain had new blocks.',
    read: ({ counters }) => counters.stallWarnings,
  },
  { name: 'requests_total', help: 'JSON-RPC requests.', read: ({ counters }) => counters.requests },
  { name: 'events_total', help: 'Events that became rows.', read: ({ counters }) => counters.events },
]

/** Adds the counters of the indexers of this process. */
export function addIndexerMetrics(registry: Registry, indexers: () => readonly Reading[]): void {
  for (const { name, help, read } of METRICS) {
    const settings = { name: `modelcommons_index_${name}`, help, labelNames: ['chain'], registers: [registry] }
    if (name.endsWith('_total'))
      new Counter({
        ...settings,
        collect() {
          this.reset()
          for (const status of indexers()) this.inc({ chain: String(status.chainId) }, read(status))
        },
      })
    else
      new Gauge({
        ...settings,
        collect() {
          for (const status of indexers()) this.set({ chain: String(status.chainId) }, read(status))
        },
      })
  }
}
