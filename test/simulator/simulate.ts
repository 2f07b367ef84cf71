import { setTimeout as sleep } from 'node:timers/promises'
import { type IndexerOptions, startIndexer } from '#indexer/index.ts'
import { must } from '#test/must.ts'
import type { Bug } from './bugs.ts'
import { type Finality, SIMULATED_CHAIN_ID, SimulatedChain } from './chain.ts'
import { Coverage } from './coverage.ts'
import type { Environment } from './environment.ts'
import { SIMULATED_ADDRESSES } from './events.ts'
import { IndexerRuns } from './indexerRuns.ts'
import { HONEST, SimulatedNode } from './node.ts'
import { contradictions, differingRows } from './oracle.ts'
import { pick, type SeededRandom, seededRandomAt } from './random.ts'

/** What may happen, and how likely each is against the others. */
const ACTIONS = {
  mine: 30,
  burst: 4,
  fork: 34,
  'end and begin': 5,
  death: 6,
  kill: 1,
  cut: 8,
  'database crash': 2,
  'node death': 4,
} as const

/** What a set of runs has to have gone through to prove anything. */
export const KINDS = [
  'forks',
  'forks seen',
  'forks during a round',
  'final blocks taken back',
  'stops at a lost final block',
  'ends and begins',
  'sudden deaths',
  'kill -9 of the indexer',
  'connections cut before a statement',
  'commits whose answer was lost',
  'kill -9 of PostgreSQL',
  'node deaths',
  'node away',
  'retries',
  'limits met',
  'failed rounds',
  'lie: stale head',
  'lie: other fork',
  'lie: logs withheld',
  'lie: logs withheld from a range',
]

export interface SimulationResult {
  /** Where the index ends up otherwise than a clean sync, or contradicts the chain: empty when all is well. */
  found: string[]
  coverage: Coverage
}

/** How long nothing may move until it is taken to hang: longer than a process takes to start on a busy machine. */
const STALL_MS = 90_000
const PATIENCE = { timeoutMs: 300, delayMs: 1, deepReorgMs: 40 } satisfies IndexerOptions['patience']

/** One run of an index: a chain that forks, a node that lies and dies, an indexer and a PostgreSQL that are killed. In the end the
 *  node is honest, the index catches up, and must be what a clean sync makes of the same chain. */
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
  const settings = { deployment, confirmations, pollMs: 1, patience: PATIENCE, compareEvery: 1 }
  const forgetful = { ...settings, keptRows: seed % 3 } // the clean sync keeps many
  const runs = new IndexerRuns(environment, node, forgetful, coverage, quorum, bug)
  try {
    chain.mine(1 + random(60))
    node.behaviour = {
      oneIn: must([0, 40, 20, 10, 6][random(5)]),
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
    runs.disarm()
    while (chain.finalOf(chain.blocks) < chain.final) chain.mine(1) // a fork may have left a shorter chain
    await Promise.race([waitUntilCaughtUp(environment, chain), runs.failed])
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

/** Settles when the index stands where the chain does. @throws Error when it stands still elsewhere. */
async function waitUntilCaughtUp(environment: Environment, chain: SimulatedChain) {
  const { head, final, blocks } = chain
  let stands = ''
  for (let since = performance.now(); performance.now() - since < STALL_MS; await sleep(3)) {
    const { rows } = await environment.db.query('select hash, block, final_block from cursor')
    if (rows[0]?.hash === must(blocks[head]).hash && rows[0].final_block === final) return
    const now = JSON.stringify(rows[0])
    if (now !== stands) since = performance.now()
    stands = now
  }
  throw new Error(
    `The index did not catch up: it stands still at ${stands}, the chain at ${head} (${must(blocks[head]).hash}), final to ${final}`,
  )
}

/** @throws Error when the indexer has asked nothing for long. */
async function waitUntilStalled(node: SimulatedNode): Promise<never> {
  for (let polls = -1; polls !== node.poll; ) {
    polls = node.poll
    await sleep(STALL_MS, undefined, { ref: false })
  }
  throw new Error(`The indexer asks nothing any more, for ${STALL_MS / 1000} s`)
}

const LENGTH = 24

/** The story of a run: what happens at which of the indexer's questions. */
class Script {
  readonly over: Promise<void>
  private finish = () => {}
  private left = LENGTH
  private next = { poll: 2, offset: 0 }
  private betrayal: number | undefined

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
    if (seed % 8 === 0) this.betrayal = 4 + random(LENGTH - 4)
  }

  tick(poll: number, offset: number) {
    const { next } = this
    if (poll < next.poll || (poll === next.poll && offset < next.offset)) return
    if (this.left-- <= 0) return this.finish()
    const gap = this.random(3) ? 1 + this.random(3) : 0
    this.next = gap ? { poll: poll + gap, offset: this.random(2) ? 0 : this.random(5) } : { poll, offset: offset + 1 }
    if (this.left === this.betrayal) this.betray()
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
        if (chain.reach < 1) return chain.mine(2)
        coverage.count('forks')
        if (offset > 0) coverage.count('forks during a round')
        return chain.fork(1 + random(chain.reach))
      case 'end and begin':
        coverage.count('ends and begins')
        return runs.next('end')
      case 'death':
        coverage.count('sudden deaths')
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

  /** The chain gives up blocks that were final: the indexer must stop and say so, and go on when it is told to rewind. */
  private betray() {
    const { chain, random } = this
    if (chain.final < 3) return chain.mine(10)
    this.coverage.count('final blocks taken back')
    this.runs.mayStop = true
    chain.fork(chain.reach + 1 + random(Math.min(chain.final - 1, 20)))
  }
}
