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
import { type BenchReport, emptyReport, entry, figure, ratio } from './report.ts'

/** Indexing compared with peers: 100,000 events in 5,000 blocks, the same events among ten million logs of other contracts, the time from
 *  a new block to GraphQL, a reorganisation of 64 blocks, and memory during a long sync.
 *
 *  The work is the same for all: every event becomes a row of `chain_event` with its decoded arguments as JSON; a vote also becomes a
 *  row of `vote` and is counted in its row of `proposal`; all have our database indexes. Our indexer also keeps every version of every
 *  row and a state root over all of them. Time is measured from the first request to the chain until the row of the last event is
 *  visible, so the start of a process does not count. One process serves the chain to all. */

const ROUNDS = 5
const DENSE = { blocks: 5_000, events: 20, foreign: 0 }
/** A slow peer gets only a part of the blocks; its rate is measured there. */
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

/** Ponder begins with 20 requests per second and is limited to 500; this removes the limit for the run `ponder raised`. */
function raiseLimiter() {
  const file = join(peers, 'ponder', 'node_modules', 'ponder', 'dist', 'esm', 'rpc', 'index.js')
  const text = readFileSync(file, 'utf8')
  const raised = text.replace(
    /const (INITIAL_MAX_RPS|MAX_RPS) = (\d+);/g,
    'const $1 = Number(process.env.BENCH_RPS ?? $2);',
  )
  if (!raised.includes('BENCH_RPS'))
    throw new Error(`${file} does not define the limits any more: correct raiseLimiter.`)
  writeFileSync(file, raised)
}

export async function run(): Promise<BenchReport> {
  const report = emptyReport('index')
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

/** All implementations take turns, so that other load on the machine affects all of them equally. */
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
  print(kind, 'limit', report.limit[kind])
  print(kind, 'ours', report.ours[kind])
  if (!squid.length) return absent(report, 'squid')
  const peer = rate(chain, squid)
  report.peers.squid = { ...report.peers.squid, [kind]: peer }
  report.ratios[`squid ${kind}`] = ratio(report.ours[kind], peer)
  print(kind, 'squid', peer)
}

/** Ponder with its default limits gets only a part of the blocks, because it is slow; without the limits it gets all blocks. */
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
    report.ratios[`${name} ${kind}`] = ratio(entry(report.ours, kind), found)
    print(kind, name, found)
  }
}

/** The same events among 2,000 logs of other contracts per block, ten million in all. The peer requests all of them, so its rate is
 *  measured on a part of the blocks. */
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
  print(name, 'ours', report.ours[name])
  if (!installed('squid')) return
  const part = await startBenchChain({ ...DENSE, blocks: FOREIGN_BLOCKS, foreign: FOREIGN, kind: 'votes' })
  const squid: Run[] = []
  try {
    for (let round = 0; round < 2; round++) squid.push(await runSquid(environment, part))
  } finally {
    await part.stop()
  }
  const peer = rate(part, squid)
  report.peers.squid = { ...report.peers.squid, [name]: peer }
  report.ratios[`squid ${name}`] = ratio(report.ours[name], peer)
  print(name, 'squid', peer)
}

const print = (
  what: string,
  who: string,
  { median, min, max, unit }: { median: number; min: number; max: number; unit: string },
) => console.log(`${what}: ${who} ${median} ${unit} (${min} to ${max})`)

function absent(report: BenchReport, name: string) {
  const line = `${name}: not installed; run "npm run bench -- index --setup"`
  if (!report.absent.includes(line)) report.absent.push(line)
}
