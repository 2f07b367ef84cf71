import type { IndexerOptions } from '#indexer/index.ts'
import type { Bug } from './bugs.ts'
import type { Coverage } from './coverage.ts'
import { DatabaseProxy } from './databaseProxy.ts'
import type { Environment } from './environment.ts'
import type { Host } from './hostPool.ts'
import type { SimulatedNode } from './node.ts'
import { type SeededRandom, seededRandom } from './random.ts'

type Settings = Omit<IndexerOptions, 'db' | 'rpcUrl' | 'signal'>

/** How a run ends: `end` by an orderly stop, `die` cut off from node and database, `kill` by SIGKILL. */
export type Ending = 'end' | 'die' | 'kill'

/** The indexer may stop with this message only when the chain removed a final block. */
const DEEP = /was final here: the last common block is \d+/
/** A failed start is retried this many times, as a supervisor does. */
const MAX_STARTS = 500

/** Runs the indexer on one index, one run after another. */
export class IndexerRuns {
  /** The chain removed final blocks: the indexer may stop because of it, and is then told to rewind. */
  mayStop = false
  /** Rejects when an indexer stops for a wrong reason. */
  readonly failed: Promise<never>
  private fail: (error: Error) => void = () => {}
  private number = 0
  private starts = 0
  private proxy: DatabaseProxy | undefined
  private host: Host | undefined
  private ended: Promise<unknown> = Promise.resolve()
  private rewind = false
  private readonly random: SeededRandom = seededRandom(7)
  /** Runs are changed one after another. */
  private pending: Promise<void> = Promise.resolve()

  constructor(
    private readonly environment: Environment,
    private readonly node: SimulatedNode,
    private readonly settings: Settings,
    private readonly coverage: Coverage,
    private readonly quorum: boolean,
    private readonly bug: Bug | undefined,
  ) {
    this.failed = new Promise((_, fail) => {
      this.fail = fail
    })
    this.failed.catch(() => {})
  }

  async begin() {
    const run = ++this.number
    this.node.run = run
    const proxy = new DatabaseProxy(new URL(this.environment.url), this.coverage)
    this.proxy = proxy
    const host = await this.environment.hosts.now()
    this.host = host
    const databaseUrl = await proxy.open()
    const options = {
      ...this.settings,
      rpcUrl: this.node.urlOf(run, this.quorum),
      deepReorganisation: this.rewind ? 'rewind' : 'stop',
    } as const
    const ended = host.begin({ do: 'begin', run, databaseUrl, options, bug: this.bug })
    this.ended = ended
    ended.then(({ error, failures }) => {
      this.coverage.count('failed rounds', failures)
      proxy.close()
      if (run === this.number && error) this.restart(error)
    })
  }

  /** Ends the current run in this way and begins another. */
  next(ending: Ending) {
    const { proxy, host, number, ended } = this
    if (ending !== 'end') {
      this.node.run = -1
      proxy?.close()
    }
    this.number++ // reports of the old run are ignored from now on
    this.queue(async () => {
      if (ending === 'kill') await this.environment.hosts.kill()
      else host?.send({ do: 'end', run: number })
      if (ending === 'end') await ended
      this.node.run = -1
      proxy?.close()
      await this.begin()
    })
  }

  /** At one of the next statements, cuts the connections to the database or crashes it. */
  injectFault(what: 'cut' | 'crash') {
    const { proxy, random } = this
    if (!proxy || proxy.fault) return
    const at = random(2) ? 'commit' : 1 + random(20)
    const when = random(2) ? 'before' : 'after'
    const trigger = async () => {
      if (what === 'crash') {
        this.coverage.count('kill -9 of PostgreSQL')
        return this.environment.crash(random(4) === 0)
      }
      const lost = when === 'before' ? 'connections cut before a statement' : 'answers lost with the connection'
      this.coverage.count(at === 'commit' && when === 'after' ? 'commits whose answer was lost' : lost)
    }
    proxy.fault = { at, when, trigger }
  }

  removeFault() {
    if (this.proxy) this.proxy.fault = undefined
  }

  /** Ends the last run by an orderly stop. */
  async end() {
    await this.pending
    const run = this.number
    this.number++
    this.host?.send({ do: 'end', run })
    await this.ended
  }

  async stop() {
    await this.pending.catch(() => {})
    this.host?.send({ do: 'end', run: this.number++ })
    await this.ended
    this.proxy?.close()
  }

  private restart(error: string) {
    if (DEEP.test(error)) {
      if (!this.mayStop)
        return this.fail(new Error(`The indexer stopped, although no final block was removed: ${error}`))
      this.rewind = true
      this.coverage.count('stops at a lost final block')
    } else if (++this.starts > MAX_STARTS) return this.fail(new Error(`The indexer does not start: ${error}`))
    else this.coverage.count(`stops: ${error.split(':')[0]}`)
    this.number++
    this.queue(() => this.begin())
  }

  private queue(work: () => Promise<void>) {
    this.pending = this.pending.then(work).catch((error: Error) => this.fail(error))
  }
}
