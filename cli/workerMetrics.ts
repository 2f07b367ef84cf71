import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { CircuitState } from '#schema/circuitBreaker.ts'
import type { ChainClient } from '#workers/chain.ts'
import type { EngineReport } from '#workers/enginePool.ts'
import type { WarmUpOutcome } from '#workers/warmUp.ts'
import { METRIC_PREFIX } from './systemMetrics.ts'

/** What a worker process tells of itself, its engine processes, its GPUs and its signer. */

const ENGINE_FIGURES = [
  { name: 'engine_memory_bytes', help: 'Resident memory of the engine processes.', read: (one) => one.memoryBytes },
  { name: 'engine_models', help: 'Base models that the engine processes hold in memory.', read: (one) => one.models },
  { name: 'engine_tasks', help: 'Tasks that run or wait in the engine.', read: (one) => one.tasks },
  { name: 'engine_tokens_total', help: 'Tokens of answers.', read: (one) => one.tokens },
  {
    name: 'engine_prompt_tokens_total',
    help: 'Tokens of prompts that were read for answers.',
    read: (one) => one.promptTokens,
  },
  {
    name: 'engine_cached_tokens_total',
    help: 'Tokens of prompts that were known from an earlier text, and not read again.',
    read: (one) => one.cachedTokens,
  },
  { name: 'engine_batch_runs_total', help: 'Runs of batches of answers.', read: (one) => one.batchRuns },
  {
    name: 'engine_batch_answers_total',
    help: 'Answers in each run of a batch, together: divided by the runs, the mean size of a batch.',
    read: (one) => one.batchAnswers,
  },
  { name: 'engine_steps_total', help: 'Training steps.', read: (one) => one.steps },
  {
    name: 'engine_starts_total',
    help: 'Starts of engine processes; all but the first follow a crash, or a rest (ENGINE_IDLE_MINUTES).',
    read: (one) => one.starts,
  },
] satisfies { name: string; help: string; read(report: EngineReport): number }[]

/** Returns the observer of the time that engine tasks wait. */
export function addEngineMetrics(
  registry: Registry,
  engines: () => readonly EngineReport[],
): (task: string, waitedMs: number) => void {
  const registers = [registry]
  for (const { name, help, read } of ENGINE_FIGURES) {
    const settings = { name: METRIC_PREFIX + name, help, labelNames: ['lane'], registers }
    if (name.endsWith('_total'))
      new Counter({
        ...settings,
        collect() {
          this.reset()
          for (const report of engines()) this.inc({ lane: report.lane }, read(report))
        },
      })
    else
      new Gauge({
        ...settings,
        collect() {
          for (const report of engines()) this.set({ lane: report.lane }, read(report))
        },
      })
  }
  const waits = new Histogram({
    name: `${METRIC_PREFIX}engine_wait_seconds`,
    help: 'How long a task waited for an engine process, by task.',
    labelNames: ['task'],
    buckets: [0.005, 0.05, 0.25, 1, 5, 15, 60, 300, 1800],
    registers,
  })
  addGpuMetrics(registry)
  return (task, waitedMs) => waits.observe({ task }, waitedMs / 1000)
}

const GPU_TIMEOUT_MS = 3_000

/** By NVIDIA's own program; on machines without it there are no such metrics. */
function addGpuMetrics(registry: Registry): void {
  let absent = false
  const collect = async () => {
    if (absent) return
    const query = ['--query-gpu=index,memory.used,memory.total', '--format=csv,noheader,nounits']
    try {
      const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: GPU_TIMEOUT_MS })
      for (const line of stdout.trim().split('\n')) {
        const [gpu = '', usedMiB, totalMiB] = line.split(', ')
        used.set({ gpu }, Number(usedMiB) * 2 ** 20)
        total.set({ gpu }, Number(totalMiB) * 2 ** 20)
      }
    } catch (error) {
      absent = (error as NodeJS.ErrnoException).code === 'ENOENT'
      used.reset()
    }
  }
  const settings = { labelNames: ['gpu'], registers: [registry] }
  const total = new Gauge({ name: 'modelcommons_gpu_memory_bytes', help: 'Memory of the GPU.', ...settings })
  const used = new Gauge({
    name: 'modelcommons_gpu_memory_used_bytes',
    help: 'Used memory of the GPU, by all processes.',
    collect,
    ...settings,
  })
}

/** Returns the observer of the models that are loaded before they are called. */
export function addWarmUpMetric(registry: Registry): (outcome: WarmUpOutcome) => void {
  const warmUps = new Counter({
    name: `${METRIC_PREFIX}warm_ups_total`,
    help: 'Models of endpoints that were to be loaded before they are called, by outcome: loaded, no_room or failed.',
    labelNames: ['outcome'],
    registers: [registry],
  })
  return (outcome) => warmUps.inc({ outcome })
}

/** Returns the observer of the circuit of the node. */
export function addNodeMetric(registry: Registry): (state: CircuitState) => void {
  const circuit = new Gauge({
    name: `${METRIC_PREFIX}rpc_circuit_open`,
    help: '1 while this process does not ask the node of RPC_URL, because it did not answer before.',
    registers: [registry],
  })
  return ({ open }) => circuit.set(Number(open))
}

const SIGNER_TIMEOUT_MS = 5_000

/** The jobs of this worker, and the accounts that sign here. Every worker exports the same values of an account: take their maximum. */
export function addWorkerMetrics(
  registry: Registry,
  worker: { readonly running: number },
  signers: readonly ChainClient[],
): void {
  new Gauge({
    name: `${METRIC_PREFIX}worker_jobs_running`,
    help: 'Jobs that this worker runs now.',
    registers: [registry],
    collect() {
      this.set(worker.running)
    },
  })
  const gauge = (name: string, help: string, read: (signer: ChainClient) => Promise<number>) =>
    new Gauge({
      name: `${METRIC_PREFIX}${name}`,
      help,
      labelNames: ['chain', 'account'],
      registers: [registry],
      async collect() {
        this.reset() // a node that does not answer gives no value, rather than an old one
        const values = signers.map(async (signer) => {
          const late = sleep(SIGNER_TIMEOUT_MS, undefined, { ref: false })
          const value = await Promise.race([read(signer).catch(() => undefined), late])
          if (value !== undefined) this.set({ chain: String(signer.chainId), account: signer.account }, value)
        })
        await Promise.all(values)
      },
    })
  gauge('signer_balance_wei', 'Native tokens of an account that signs.', async ({ client, account }) =>
    Number(await client.getBalance({ address: account })),
  )
  gauge(
    'signer_transactions_left',
    'How many more transactions of average size that account can pay for at the present gas price.',
    (signer) => signer.transactionsLeft(),
  )
  gauge('signer_missing_nonces', 'Signed transactions of which the node knows nothing.', (signer) =>
    signer.missingNonces(),
  )
}
