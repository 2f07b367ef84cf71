import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BENCH_ADDRESSES, BENCH_CHAIN_ID, FINALITY } from './indexing/chain.ts'
import {
  type BenchChain,
  type IndexingEnvironment,
  openIndexingEnvironment,
  type Run,
  runEnvio,
  runLimit,
  runOurs,
  runPonder,
  runSquid,
  startBenchChain,
} from './indexing/environment.ts'
import { graphqlWhileIndexing, WHILE_INDEXING } from './indexing/graphql.ts'
import { headToGraphql } from './indexing/head.ts'
import { memory } from './indexing/memory.ts'
import { reorganisations, reorganisedSync } from './indexing/reorganisations.ts'
import {
  atLeast,
  atMost,
  type BenchReport,
  emptyReport,
  entry,
  type Figure,
  figure,
  type Goal,
  ratio,
} from './report.ts'

/** Indexing compared with peers: 100,000 events in 5,000 blocks, the same events among ten million logs of other contracts, the time from
 *  a new block to GraphQL, reorganisations of 64 blocks at the head and in mid-sync, GraphQL while indexing, and memory during a long sync.
 *  All runs must store the same events, all of ours with one state root; otherwise there is no report.
 *
 *  The work is the same for all: every event becomes a row of `chain_event` with its decoded arguments as JSON; a vote also becomes a
 *  row of `vote` and is counted in its row of `proposal`; all have our database indexes. Our indexer also keeps every version of every
 *  row and a state root over all of them. Time is measured from the first request to the chain until the row of the last event is
 *  visible, so the start of a process does not count. One process serves the chain to all. `BENCH_BLOCKS` and `BENCH_ROUNDS` make it smaller. */

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5)
const DENSE = { blocks: Number(process.env.BENCH_BLOCKS ?? 5_000), events: 20, foreign: 0 }
/** A slow peer gets only a part of the blocks; its rate is measured there. */
const SLOW_BLOCKS = 500
const PEER_ROUNDS = 2
const P99_LIMIT_MS = 20
/** The last part of a long sync may use this much more memory than the second. */
const FLAT = 1.15
const FOREIGN_BLOCKS = 164
const FOREIGN = 2_000
const peers = join(import.meta.dirname, 'peers')
/** What `setup` makes of a peer last. */
const MADE = { squid: 'node_modules', ponder: 'node_modules', envio: 'generated/src/Index.res.js' }
type Peer = keyof typeof MADE
const installed = (name: Peer) => existsSync(join(peers, name, MADE[name]))
/** Envio calls it; `npm exec` brings it. */
const PNPM = '9.15.9'
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
  setupEnvio()
}

/** Envio generates and compiles its program at setup; not on every platform. The address of the chain, which is only known at a run,
 *  becomes a variable in the program. */
function setupEnvio() {
  const cwd = join(peers, 'envio')
  const url = 'http://bench.invalid'
  const env = {
    ...process.env,
    BENCH_CHAIN: String(BENCH_CHAIN_ID),
    BENCH_FINALITY: String(FINALITY),
    BENCH_GOPEN: BENCH_ADDRESSES.GOpen,
    BENCH_MODELGOVERNOR: BENCH_ADDRESSES.ModelGovernor,
    BENCH_RPC: url,
    CI: 'true', // pnpm asks nothing
    npm_config_ignore_scripts: 'true',
    npm_config_lockfile: 'false',
    npm_config_shamefully_hoist: 'true', // as in envio's own templates: the program imports what only envio depends on
  }
  rmSync(join(cwd, 'generated'), { recursive: true, force: true })
  try {
    const commands = 'pnpm install && pnpm envio codegen'
    execFileSync('npm', ['exec', '--yes', `--package=pnpm@${PNPM}`, '-c', commands], { cwd, env, stdio: 'inherit' })
  } catch (error) {
    rmSync(join(cwd, 'generated'), { recursive: true, force: true })
    console.warn(`envio does not install here: ${(error as Error).message}`)
    return
  }
  const file = join(cwd, 'generated', 'src', 'Generated.res.js')
  const text = readFileSync(file, 'utf8')
  if (!text.includes(`"${url}"`)) throw new Error(`${file} does not name the chain any more: correct setupEnvio.`)
  writeFileSync(file, text.replace(`"${url}"`, 'process.env.BENCH_RPC'))
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
      await reorganisedSync(environment),
      await graphqlWhileIndexing(environment),
      await memory(environment),
      await headToGraphql(environment),
    )
    report.goals = goalsOf(report)
    return report
  } finally {
    await environment.close()
  }
}

/** All implementations take turns, so that other load on the machine affects all of them equally. */
async function dense(environment: IndexingEnvironment, kind: 'votes' | 'approvals', report: BenchReport) {
  const chain = await startBenchChain({ ...DENSE, kind })
  const [limit, ours]: [Run[], Run[]] = [[], []]
  const peerRuns: Record<string, Run[]> = {}
  try {
    for (let round = 0; round < ROUNDS; round++) {
      limit.push(await runLimit(chain))
      ours.push(await runOurs(environment, chain))
      if (round >= PEER_ROUNDS) continue
      if (installed('squid')) (peerRuns.squid ??= []).push(await runSquid(environment, chain))
      if (installed('ponder')) (peerRuns['ponder raised'] ??= []).push(await runPonder(environment, chain, true))
      if (installed('envio')) (peerRuns.envio ??= []).push(await runEnvio(environment, chain))
    }
  } finally {
    await chain.stop()
  }
  requireSame(kind, [...ours, ...Object.values(peerRuns).flat()])
  report.limit[kind] = rate(chain, limit)
  report.ours[kind] = rate(chain, ours)
  report.ratios[`limit ${kind}`] = ratio(report.ours[kind], report.limit[kind])
  print(kind, 'limit', report.limit[kind])
  print(kind, 'ours', report.ours[kind])
  for (const name of Object.keys(MADE) as Peer[]) if (!installed(name)) absent(report, name)
  for (const [name, runs] of Object.entries(peerRuns)) compare(report, name, kind, rate(chain, runs))
}

function compare(report: BenchReport, name: string, what: string, peer: Figure) {
  report.peers[name] = { ...report.peers[name], [what]: peer }
  report.ratios[`${name} ${what}`] = ratio(entry(report.ours, what), peer)
  print(what, name, peer)
}

/** @throws Error unless all runs stored the same events, and ours have one state root. */
function requireSame(kind: string, runs: readonly Run[]) {
  const digests = new Set(runs.map(({ digest }) => digest))
  const roots = new Set(runs.flatMap(({ root }) => root ?? []))
  if (digests.size > 1) throw new Error(`The ${kind} that were stored differ from run to run`)
  if (roots.size !== 1) throw new Error(`The same ${kind} gave ${roots.size} state roots`)
  console.log(`${kind}: the same events in ${runs.length} runs, state root ${[...roots][0]}`)
}

/** Ponder with its default limits gets only a part of the blocks, because it is slow. */
async function ponder(environment: IndexingEnvironment, report: BenchReport) {
  if (!installed('ponder')) return
  const chain = await startBenchChain({ ...DENSE, blocks: SLOW_BLOCKS, kind: 'votes' })
  try {
    compare(report, 'ponder', 'votes', rate(chain, [await runPonder(environment, chain, false)]))
  } finally {
    await chain.stop()
  }
}

function goalsOf({ ours, ratios }: BenchReport): Record<string, Goal> {
  const goals: Record<string, Goal> = {}
  for (const kind of ['votes', 'approvals'])
    for (const [peer, target] of [
      ['ponder raised', 10],
      ['squid', 4],
      ['limit', 0.5],
    ] as const) {
      const reached = ratios[`${peer} ${kind}`]
      if (reached !== undefined) goals[`${kind}, times ${peer}`] = atLeast(target, reached)
    }
  const parts = Object.entries(ours).filter(([name]) => name.startsWith('memory'))
  const [, second] = parts[1] ?? []
  const [, last] = parts.at(-1) ?? []
  if (second && last) goals['memory, last part over the second'] = atMost(FLAT, last.median / second.median)
  for (const [name, target] of [
    ['head to GraphQL p50', 150],
    ['reorganisation of 64 blocks', 1_000],
    [WHILE_INDEXING, P99_LIMIT_MS],
  ] as const)
    goals[`${name}, ms`] = atMost(target, entry(ours, name).median)
  return goals
}

/** The same events among 2,000 logs of other contracts per block, ten million in all. The peer requests all of them, so its rate is
 *  measured on a part of the blocks. */
async function sparse(environment: IndexingEnvironment, report: BenchReport) {
  const name = `votes among ${(DENSE.blocks * FOREIGN) / 1e6} million foreign logs`
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
  compare(report, 'squid', name, rate(part, squid))
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
