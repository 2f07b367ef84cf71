import type { IndexerOptions } from '#indexer/index.ts'
import type { Bug } from './bugs.ts'
import type { Coverage } from './coverage.ts'
import { DatabaseProxy } from './databaseProxy.ts'
import type { Environment } from './environment.ts'
import type { Host } from './hostPool.ts'
import type { SimulatedNode } from './node.ts'
import { type SeededRandom, seededRandom } from './random.ts'

type Settings = Omit<IndexerOptions, 'db' | 'rpcUrl' | 'signal'>

/** How a run ends: as it should; with its process as good as gone (nobody hears it any more); by SIGKILL. */
export type Ending = 'end' | 'die' | 'kill'

/** A stop is right only when a final block was taken back. */
const DEEP = /was final here: the last common block is \d+/
/** A start that fails is tried again, as a supervisor does, so many times. */
const STARTS = 500

/** The indexer's runs, one after another, on one index. */
export class IndexerRuns {
  /** The chain took back what was final: the indexer may stop at it, and is then told to rewind. */
  mayStop = false
  /** Rejects when an indexer gives up that should not. */
  readonly failed: Promise<never>
  private fail: (error: Error) => void = () => {}
  private number = 0
  private starts = 0
  private proxy: DatabaseProxy | undefined
  private host: Host | undefined
  private ended: Promise<unknown> = Promise.resolve()
  private rewind = false
  private readonly random: SeededRandom = seededRandom(7)
  /** Changes of runs happen one after another. */
  private turn: Promise<void> = Promise.resolve()

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
      if (run === this.number && error) this.again(error)
    })
  }

  /** This run ends now, in that way, and another begins. */
  next(ending: Ending) {
    const { proxy, host, number, ended } = this
    if (ending !== 'end') {
      this.node.run = -1
      proxy?.close()
    }
    this.number++ // what the old run has to say counts no more
    this.queue(async () => {
      if (ending === 'kill') await this.environment.hosts.kill()
      else host?.send({ do: 'end', run: number })
      if (ending === 'end') await ended
      this.node.run = -1
      proxy?.close()
      await this.begin()
    })
  }

  /** Cuts the connections to the database, or crashes it, at one of the next statements. */
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

  disarm() {
    if (this.proxy) this.proxy.fault = undefined
  }

  /** Ends the last run as it should end. */
  async end() {
    await this.turn
    const run = this.number
    this.number++
    this.host?.send({ do: 'end', run })
    await this.ended
  }

  async stop() {
    await this.turn.catch(() => {})
    this.host?.send({ do: 'end', run: this.number++ })
    await this.ended
    this.proxy?.close()
  }

  private again(error: string) {
    if (DEEP.test(error)) {
      if (!this.mayStop)
        return this.fail(new Error(`The indexer stopped though nothing final was taken back: ${error}`))
      this.rewind = true
      this.coverage.count('stops at a lost final block')
    } else if (++this.starts > STARTS) return this.fail(new Error(`The indexer does not come up: ${error}`))
    else this.coverage.count(`stops: ${error.split(':')[0]}`)
    this.number++
    this.queue(() => this.begin())
  }

  private queue(work: () => Promise<void>) {
    this.turn = this.turn.then(work).catch((error: Error) => this.fail(error))
  }
}
