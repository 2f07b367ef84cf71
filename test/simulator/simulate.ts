import { setTimeout as sleep } from 'node:timers/promises'
import { type IndexerOptions, startIndexer } from '#indexer/index.ts'
import type { Database } from '#schema/database.ts'
import type { Bug } from './bugs.ts'
import { type Finality, SIMULATED_CHAIN_ID, SimulatedChain } from './chain.ts'
import { Coverage } from './coverage.ts'
import type { Environment } from './environment.ts'
import { SIMULATED_ADDRESSES } from './events.ts'
import { IndexerRuns } from './indexerRuns.ts'
import { HONEST, SimulatedNode } from './node.ts'
import { contradictions, differingRows } from './oracle.ts'
import { pick, type SeededRandom, seededRandomAt } from './random.ts'

/** The events of a simulation, with their weights. */
const ACTIONS = {
  mine: 30,
  burst: 4,
  fork: 34,
  restart: 5,
  death: 6,
  kill: 1,
  cut: 8,
  'database crash': 2,
  'node death': 4,
} as const

/** The kinds of events that must occur in a large set of simulations. */
export const KINDS = [
  'forks',
  'forks seen',
  'forks during a round',
  'final blocks removed',
  'stops at a lost final block',
  'orderly restarts',
  'restarts after a cut-off',
  'kill -9 of the indexer',
  'connections cut before a statement',
  'commits whose answer was lost',
  'kill -9 of PostgreSQL',
  'node deaths',
  'node away',
  'retries',
  'limits met',
  'failed rounds',
  'wrong answer: stale head',
  'wrong answer: other fork',
  'wrong answer: logs withheld',
  'wrong answer: logs withheld from a range',
  'wrong answer: removed log',
  'wrong answer: repeated log',
  'wrong answer: null logs',
  'wrong answer: time in milliseconds',
  'wrong answer: quota used up',
  'wrong answer: no batches',
  'wrong answer: answer cut',
  'wrong answer: hangs',
]

export interface SimulationResult {
  /** Differences between the index and a clean sync, or between the index and the chain; empty when the simulation passed. */
  found: string[]
  coverage: Coverage
}

/** Without any progress for this time, the indexer counts as hung. A process takes less than that to start on a busy machine. */
const STALL_MS = 90_000
const PATIENCE = { timeoutMs: 300, delayMs: 1, deepReorgMs: 40 } satisfies IndexerOptions['patience']

/** Simulates one index: a chain that forks, a node that gives wrong answers and crashes, an indexer and a PostgreSQL that are killed. At the
 *  end the node is honest and the index catches up; it must then equal a clean sync of the same chain. */
export async function simulate(seed: number, environment: Environment, bug?: Bug): Promise<SimulationResult> {
  const random = seededRandomAt(seed, 0)
  const finality: Finality = random(2) ? { count: 6 + random(12) } : { lag: 4 + random(8), stride: 1 + random(6) }
  const chain = new SimulatedChain(seededRandomAt(seed, 1), finality, seed)
  const coverage = new Coverage()
  const node = new SimulatedNode(chain, seed, coverage)
  await environment.empty()
  await node.start()
  const confirmations = 'count' in finality ? finality.count : undefined
  const deployment = { chainId: SIMULATED_CHAIN_ID, startBlock: 1, addresses: SIMULATED_ADDRESSES }
  const quorum = seed % 5 === 0
  const settings = { deployment, confirmations, pollMs: 1, patience: PATIENCE }
  const forgetful = { ...settings, keptRows: seed % 3 } // the clean sync keeps more rows in memory
  const runs = new IndexerRuns(environment, node, forgetful, coverage, quorum, bug)
  try {
    chain.mine(1 + random(60))
    node.behaviour = {
      oneIn: [0, 40, 20, 10, 6][random(5)] ?? 0,
      rangeLimit: random(3) ? 0 : 5 + random(20),
      resultLimit: random(3) ? 0 : 12 + random(40),
      quorum,
    }
    const script = new Script(seed, random, chain, node, runs, coverage)
    await runs.begin()
    node.onTick = (poll, offset) => script.tick(poll, offset)
    await Promise.race([script.over, runs.failed, waitUntilStalled(node)])
    node.onTick = () => {}
    node.behaviour = HONEST
    node.refusedRequests = 0
    runs.removeFault()
    while (chain.finalOf(chain.blocks) < chain.final) chain.mine(1) // a fork may have left a shorter chain
    await Promise.race([waitUntilCaughtUp(environment.db, chain, node), runs.failed])
    await runs.end()
    const stop = new AbortController()
    const clean = await startIndexer({ ...settings, rpcUrl: node.urlOf(0), db: environment.clean, signal: stop.signal })
    await clean.caughtUp()
    stop.abort()
    await clean.stopped
    return {
      found: [...(await differingRows(environment.db)), ...(await contradictions(environment.db, chain))],
      coverage,
    }
  } catch (error) {
    return { found: [`${(error as Error).message}`], coverage }
  } finally {
    await runs.stop()
    await node.stop()
  }
}

/** Waits until the index has reached the head of the chain. It counts only once the indexer has polled `node`, which is honest now, again:
 *  until then, a round that began with a wrong answer may still roll the index back. @throws Error when it makes no progress. */
export async function waitUntilCaughtUp(db: Database, { head, final, blocks }: SimulatedChain, node: SimulatedNode) {
  const { poll } = node
  let last = ''
  for (let since = performance.now(); performance.now() - since < STALL_MS; await sleep(3)) {
    const settled = node.poll > poll // read before the cursor: what such a round changed is then in it
    const { rows } = await db.query('select hash, block, final_block from cursor')
    if (settled && rows[0]?.hash === blocks[head]?.hash && rows[0]?.final_block === final) return
    const now = JSON.stringify(rows[0])
    if (now !== last) since = performance.now()
    last = now
  }
  throw new Error(
    `The index did not catch up: it stopped at ${last}; the chain is at ${head} (${blocks[head]?.hash}), final up to ${final}`,
  )
}

/** @throws Error when the indexer has sent no request for `STALL_MS`. */
async function waitUntilStalled(node: SimulatedNode): Promise<never> {
  for (let polls = -1; polls !== node.poll; ) {
    polls = node.poll
    await sleep(STALL_MS, undefined, { ref: false })
  }
  throw new Error(`The indexer has sent no request for ${STALL_MS / 1000} s`)
}

const LENGTH = 24

/** The script of a simulation: which event happens at which request of the indexer. */
class Script {
  readonly over: Promise<void>
  private finish = () => {}
  private left = LENGTH
  private next = { poll: 2, offset: 0 }
  private removesFinalAt: number | undefined

  constructor(
    seed: number,
    private readonly random: SeededRandom,
    private readonly chain: SimulatedChain,
    private readonly node: SimulatedNode,
    private readonly runs: IndexerRuns,
    private readonly coverage: Coverage,
  ) {
    this.over = new Promise((done) => {
      this.finish = done
    })
    if (seed % 8 === 0) this.removesFinalAt = 4 + random(LENGTH - 4)
  }

  tick(poll: number, offset: number) {
    const { next } = this
    if (poll < next.poll || (poll === next.poll && offset < next.offset)) return
    if (this.left-- <= 0) return this.finish()
    const gap = this.random(3) ? 1 + this.random(3) : 0
    this.next = gap ? { poll: poll + gap, offset: this.random(2) ? 0 : this.random(5) } : { poll, offset: offset + 1 }
    if (this.left === this.removesFinalAt) this.removeFinalBlocks()
    else this.act(offset)
  }

  private act(offset: number) {
    const { random, chain, node, runs, coverage } = this
    switch (pick(random, ACTIONS)) {
      case 'mine':
        return chain.mine(1 + random(4))
      case 'burst':
        return chain.mine(20 + random(40))
      case 'fork':
        if (chain.maxForkDepth < 1) return chain.mine(2)
        coverage.count('forks')
        if (offset > 0) coverage.count('forks during a round')
        return chain.fork(1 + random(chain.maxForkDepth))
      case 'restart':
        coverage.count('orderly restarts')
        return runs.next('end')
      case 'death':
        coverage.count('restarts after a cut-off')
        return runs.next('die')
      case 'kill':
        coverage.count('kill -9 of the indexer')
        return runs.next('kill')
      case 'cut':
        return runs.injectFault('cut')
      case 'database crash':
        return runs.injectFault('crash')
      case 'node death':
        coverage.count('node deaths')
        return node.die(1 + random(6))
    }
  }

  /** The chain removes blocks that were final: the indexer must stop with an error, and continue when it is told to rewind. */
  private removeFinalBlocks() {
    const { chain, random } = this
    if (chain.final < 3) return chain.mine(10)
    this.coverage.count('final blocks removed')
    this.runs.mayStop = true
    chain.fork(chain.maxForkDepth + 1 + random(Math.min(chain.final - 1, 20)))
  }
}
