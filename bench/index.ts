import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type BenchChain,
  type IndexingEnvironment,
  openIndexingEnvironment,
  type Run,
  runLimit,
  runOurs,
  runPonder,
  runSquid,
  startBenchChain,
} from './indexing/environment.ts'
import { headToGraphql } from './indexing/head.ts'
import { memory } from './indexing/memory.ts'
import { reorganisations } from './indexing/reorganisations.ts'
import { type BenchReport, figure, ratio } from './report.ts'

/** Indexing beside its peers: 100,000 events in 5,000 blocks, the same among ten million foreign logs, from the head to GraphQL, a
 *  reorganisation of 64 blocks, and memory over a long sync.
 *
 *  The work is the same for all: every event becomes a row of `chain_event` with its decoded arguments as JSON; a vote becomes a row
 *  of `vote`, too, and counts in its row of `proposal`; each has the indexes of ours. Ours keeps every version of every row, and a
 *  state root over all of them, besides. Time runs from the first request at the chain to the last event's row being visible, so
 *  that nobody's start of the process counts; one process serves the chain to all. */

const ROUNDS = 5
const DENSE = { blocks: 5_000, events: 20, foreign: 0 }
/** What is slow is given a part: its rate there is taken for its rate over the whole, its start-up spread over less. */
const SLOW_BLOCKS = 500
const PONDER_ROUNDS = 2
const FOREIGN_BLOCKS = 164
const FOREIGN = 2_000
const peers = join(import.meta.dirname, 'peers')
const installed = (name: string) => existsSync(join(peers, name, 'node_modules'))
const rate = (chain: BenchChain, runs: readonly Run[]) =>
  figure(
    runs.map(({ ms }) => (chain.plan.blocks * chain.plan.events * 1000) / ms),
    'events/s',
  )

export async function setup(): Promise<void> {
  for (const name of ['squid', 'ponder'])
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock'], {
      cwd: join(peers, name),
      stdio: 'inherit',
    })
  raiseLimiter()
}

/** Ponder asks at first 20 times a second and never more than 500; the raised one may ask as often as it can. */
function raiseLimiter() {
  const file = join(peers, 'ponder', 'node_modules', 'ponder', 'dist', 'esm', 'rpc', 'index.js')
  const text = readFileSync(file, 'utf8')
  const raised = text.replace(
    /const (INITIAL_MAX_RPS|MAX_RPS) = (\d+);/g,
    'const $1 = Number(process.env.BENCH_RPS ?? $2);',
  )
  if (!raised.includes('BENCH_RPS')) throw new Error(`${file} has its limits elsewhere: correct raiseLimiter`)
  writeFileSync(file, raised)
}

export async function run(): Promise<BenchReport> {
  const report: BenchReport = { bench: 'index', ours: {}, peers: {}, ratios: {}, limit: {}, absent: [] }
  const environment = await openIndexingEnvironment()
  try {
    for (const kind of ['votes', 'approvals'] as const) await dense(environment, kind, report)
    await ponder(environment, report)
    await sparse(environment, report)
    Object.assign(
      report.ours,
      await reorganisations(environment),
      await memory(environment),
      await headToGraphql(environment),
    )
    report.limit['head to GraphQL p50 target'] = 150
    report.limit['reorganisation of 64 blocks target'] = 1_000
    return report
  } finally {
    await environment.close()
  }
}

/** Rounds of everybody in turn, so that all meet the same machine. */
async function dense(environment: IndexingEnvironment, kind: 'votes' | 'approvals', report: BenchReport) {
  const chain = await startBenchChain({ ...DENSE, kind })
  const [limit, ours, squid]: [Run[], Run[], Run[]] = [[], [], []]
  try {
    for (let round = 0; round < ROUNDS; round++) {
      limit.push(await runLimit(chain))
      ours.push(await runOurs(environment, chain))
      if (installed('squid') && round < 2) squid.push(await runSquid(environment, chain))
    }
  } finally {
    await chain.stop()
  }
  report.limit[kind] = rate(chain, limit)
  report.ours[kind] = rate(chain, ours)
  report.ratios[`limit ${kind}`] = ratio(report.ours[kind], report.limit[kind])
  tell(kind, 'limit', report.limit[kind])
  tell(kind, 'ours', report.ours[kind])
  if (!squid.length) return absent(report, 'squid')
  report.peers.squid = { ...report.peers.squid, [kind]: rate(chain, squid) }
  report.ratios[`squid ${kind}`] = ratio(report.ours[kind], report.peers.squid[kind]!)
  tell(kind, 'squid', report.peers.squid[kind]!)
}

/** Ponder as it is asks so seldom that a part of the blocks must do; with its limiter raised it gets all that the others get. */
async function ponder(environment: IndexingEnvironment, report: BenchReport) {
  if (!installed('ponder')) return absent(report, 'ponder')
  for (const [name, kind, blocks, rounds] of [
    ['ponder', 'votes', SLOW_BLOCKS, 1],
    ['ponder raised', 'votes', DENSE.blocks, PONDER_ROUNDS],
    ['ponder raised', 'approvals', DENSE.blocks, PONDER_ROUNDS],
  ] as const) {
    const chain = await startBenchChain({ ...DENSE, blocks, kind })
    const runs: Run[] = []
    try {
      for (let round = 0; round < rounds; round++)
        runs.push(await runPonder(environment, chain, name === 'ponder raised'))
    } finally {
      await chain.stop()
    }
    const found = rate(chain, runs)
    report.peers[name] = { ...report.peers[name], [kind]: found }
    report.ratios[`${name} ${kind}`] = ratio(report.ours[kind]!, found)
    tell(kind, name, found)
  }
}

/** The dense events among 2,000 foreign logs a block, ten million in all. The peer asks for all of them: a part of the
 *  blocks tells its rate. */
async function sparse(environment: IndexingEnvironment, report: BenchReport) {
  const name = 'votes among 10 million foreign logs'
  const whole = await startBenchChain({ ...DENSE, foreign: FOREIGN, kind: 'votes' })
  const ours: Run[] = []
  try {
    for (let round = 0; round < 3; round++) ours.push(await runOurs(environment, whole))
  } finally {
    await whole.stop()
  }
  report.ours[name] = rate(whole, ours)
  tell(name, 'ours', report.ours[name])
  if (!installed('squid')) return
  const part = await startBenchChain({ ...DENSE, blocks: FOREIGN_BLOCKS, foreign: FOREIGN, kind: 'votes' })
  const squid: Run[] = []
  try {
    for (let round = 0; round < 2; round++) squid.push(await runSquid(environment, part))
  } finally {
    await part.stop()
  }
  report.peers.squid = { ...report.peers.squid, [name]: rate(part, squid) }
  report.ratios[`squid ${name}`] = ratio(report.ours[name], report.peers.squid[name]!)
  tell(name, 'squid', report.peers.squid[name]!)
}

const tell = (
  what: string,
  who: string,
  { median, min, max, unit }: { median: number; min: number; max: number; unit: string },
) => console.log(`${what}: ${who} ${median} ${unit} (${min} to ${max})`)

function absent(report: BenchReport, name: string) {
  const line = `${name}: not installed; run "npm run bench -- index --setup"`
  if (!report.absent!.includes(line)) report.absent!.push(line)
}
