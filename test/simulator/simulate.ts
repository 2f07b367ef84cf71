import { setTimeout as sleep } from 'node:timers/promises'
import { startIndexer } from '#indexer/index.ts'
import type { Bug } from './bugs.ts'
import { CHAIN_ID, type Finality, SimulatedChain } from './chain.ts'
import { Tally } from './coverage.ts'
import type { Lane } from './environment.ts'
import { ADDRESSES } from './events.ts'
import { Lives } from './indexerRuns.ts'
import { HONEST, SimulatedNode } from './node.ts'
import { contradictions, differingRows } from './oracle.ts'
import { pick, type SeededRandom, seededAt } from './random.ts'

/** What may happen, and how likely each is against the others. */
const ACTS = {
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

/** What a set of lives has to have gone through to prove anything. */
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

export interface Outcome {
  /** Where the index ends up otherwise than a clean sync, or contradicts the chain: empty when all is well. */
  found: string[]
  tally: Tally
}

/** How long nothing may move until it is taken to hang: longer than a process takes to start on a busy machine. */
const STILL_MS = 90_000
const PATIENCE = { timeoutMs: 300, delayMs: 1, graveMs: 40 }

/** One life of an index: a chain that forks, a node that lies and dies, an indexer and a PostgreSQL that are killed. In the end the
 *  node is honest, the index catches up, and must be what a clean sync makes of the same chain. */
export async function simulate(seed: number, lane: Lane, bug?: Bug): Promise<Outcome> {
  const random = seededAt(seed, 0)
  const finality: Finality = random(2) ? { count: 6 + random(12) } : { lag: 4 + random(8), stride: 1 + random(6) }
  const chain = new SimulatedChain(seededAt(seed, 1), finality, seed)
  const tally = new Tally()
  const node = new SimulatedNode(chain, seed, tally)
  await lane.empty()
  await node.start()
  const confirmations = 'count' in finality ? finality.count : undefined
  const deployment = { chainId: CHAIN_ID, startBlock: 1, addresses: ADDRESSES }
  const panel = seed % 5 === 0
  const settings = { deployment, confirmations, pollMs: 1, patience: PATIENCE, compareEvery: 1 }
  const forgetful = { ...settings, keptRows: seed % 3 } // the clean sync keeps many
  const lives = new Lives(lane, node, forgetful, tally, panel, bug)
  try {
    chain.mine(1 + random(60))
    node.temper = {
      oneIn: [0, 40, 20, 10, 6][random(5)]!,
      rangeLimit: random(3) ? 0 : 5 + random(20),
      resultLimit: random(3) ? 0 : 12 + random(40),
      panel,
    }
    const script = new Script(seed, random, chain, node, lives, tally)
    await lives.begin()
    node.onTick = (poll, offset) => script.tick(poll, offset)
    await Promise.race([script.over, lives.failed, silent(node)])
    node.onTick = () => {}
    node.temper = HONEST
    node.dead = 0
    lives.disarm()
    while (chain.finalOf(chain.blocks) < chain.final) chain.mine(1) // a fork may have left a shorter chain
    await Promise.race([caughtUp(lane, chain), lives.failed])
    await lives.end()
    const stop = new AbortController()
    const clean = await startIndexer({ ...settings, rpcUrl: node.urlOf(0), db: lane.clean, signal: stop.signal })
    await clean.caughtUp()
    stop.abort()
    await clean.stopped
    return { found: [...(await differingRows(lane.db)), ...(await contradictions(lane.db, chain))], tally }
  } catch (error) {
    return { found: [`${(error as Error).message}`], tally }
  } finally {
    await lives.stop()
    await node.stop()
  }
}

/** Settles when the index stands where the chain does. @throws Error when it stands still elsewhere. */
async function caughtUp(lane: Lane, chain: SimulatedChain) {
  const { head, final, blocks } = chain
  let stands = ''
  for (let since = performance.now(); performance.now() - since < STILL_MS; await sleep(3)) {
    const { rows } = await lane.db.query('select hash, block, final_block from cursor')
    if (rows[0]?.hash === blocks[head]!.hash && rows[0].final_block === final) return
    const now = JSON.stringify(rows[0])
    if (now !== stands) since = performance.now()
    stands = now
  }
  throw new Error(
    `The index did not catch up: it stands still at ${stands}, the chain at ${head} (${blocks[head]!.hash}), final to ${final}`,
  )
}

/** @throws Error when the indexer has asked nothing for long. */
async function silent(node: SimulatedNode): Promise<never> {
  for (let polls = -1; polls !== node.poll; ) {
    polls = node.poll
    await sleep(STILL_MS, undefined, { ref: false })
  }
  throw new Error(`The indexer asks nothing any more, for ${STILL_MS / 1000} s`)
}

const LENGTH = 24

/** The story of a life: what happens at which of the indexer's questions. */
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
    private readonly lives: Lives,
    private readonly tally: Tally,
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
    const { random, chain, node, lives, tally } = this
    switch (pick(random, ACTS)) {
      case 'mine':
        return chain.mine(1 + random(4))
      case 'burst':
        return chain.mine(20 + random(40))
      case 'fork':
        if (chain.reach < 1) return chain.mine(2)
        tally.count('forks')
        if (offset > 0) tally.count('forks during a round')
        return chain.fork(1 + random(chain.reach))
      case 'end and begin':
        tally.count('ends and begins')
        return lives.next('end')
      case 'death':
        tally.count('sudden deaths')
        return lives.next('die')
      case 'kill':
        tally.count('kill -9 of the indexer')
        return lives.next('kill')
      case 'cut':
        return lives.trap('cut')
      case 'database crash':
        return lives.trap('crash')
      case 'node death':
        tally.count('node deaths')
        return node.die(1 + random(6))
    }
  }

  /** The chain gives up blocks that were final: the indexer must stop and say so, and go on when it is told to rewind. */
  private betray() {
    const { chain, random } = this
    if (chain.final < 3) return chain.mine(10)
    this.tally.count('final blocks taken back')
    this.lives.mayStop = true
    chain.fork(chain.reach + 1 + random(Math.min(chain.final - 1, 20)))
  }
}
