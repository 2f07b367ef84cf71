import type { IndexerOptions } from '#indexer/index.ts'
import type { Bug } from './bugs.ts'
import type { Tally } from './coverage.ts'
import { Wire } from './databaseProxy.ts'
import type { Lane } from './environment.ts'
import type { Host } from './hostPool.ts'
import type { SimulatedNode } from './node.ts'
import { type SeededRandom, seeded } from './random.ts'

type Settings = Omit<IndexerOptions, 'db' | 'rpcUrl' | 'signal'>

/** How a life ends: as it should; with its process as good as gone (nobody hears it any more); by SIGKILL. */
export type Ending = 'end' | 'die' | 'kill'

/** A stop is right only when a final block was taken back. */
const DEEP = /was final here: the last common block is \d+/
/** A start that fails is tried again, as a supervisor does, so many times. */
const STARTS = 500

/** The indexer's lives, one after another, on one index. */
export class Lives {
  /** The chain took back what was final: the indexer may stop at it, and is then told to rewind. */
  mayStop = false
  /** Rejects when an indexer gives up that should not. */
  readonly failed: Promise<never>
  private fail: (error: Error) => void = () => {}
  private number = 0
  private starts = 0
  private wire: Wire | undefined
  private host: Host | undefined
  private ended: Promise<unknown> = Promise.resolve()
  private rewind = false
  private readonly random: SeededRandom = seeded(7)
  /** Changes of lives happen one after another. */
  private turn: Promise<void> = Promise.resolve()

  constructor(
    private readonly lane: Lane,
    private readonly node: SimulatedNode,
    private readonly settings: Settings,
    private readonly tally: Tally,
    private readonly panel: boolean,
    private readonly bug: Bug | undefined,
  ) {
    this.failed = new Promise((_, fail) => {
      this.fail = fail
    })
    this.failed.catch(() => {})
  }

  async begin() {
    const life = ++this.number
    this.node.life = life
    const wire = new Wire(new URL(this.lane.url), this.tally)
    this.wire = wire
    const host = await this.lane.hosts.now()
    this.host = host
    const databaseUrl = await wire.open()
    const options = {
      ...this.settings,
      rpcUrl: this.node.urlOf(life, this.panel),
      deepReorganisation: this.rewind ? 'rewind' : 'stop',
    } as const
    const ended = host.begin({ do: 'begin', life, databaseUrl, options, bug: this.bug })
    this.ended = ended
    ended.then(({ error, failures }) => {
      this.tally.count('failed rounds', failures)
      wire.close()
      if (life === this.number && error) this.again(error)
    })
  }

  /** This life ends now, in that way, and another begins. */
  next(ending: Ending) {
    const { wire, host, number, ended } = this
    if (ending !== 'end') {
      this.node.life = -1
      wire?.close()
    }
    this.number++ // what the old life has to say counts no more
    this.queue(async () => {
      if (ending === 'kill') await this.lane.hosts.kill()
      else host?.send({ do: 'end', life: number })
      if (ending === 'end') await ended
      this.node.life = -1
      wire?.close()
      await this.begin()
    })
  }

  /** Cuts the connections to the database, or crashes it, at one of the next statements. */
  trap(what: 'cut' | 'crash') {
    const { wire, random } = this
    if (!wire || wire.trap) return
    const at = random(2) ? 'commit' : 1 + random(20)
    const when = random(2) ? 'before' : 'after'
    const strike = async () => {
      if (what === 'crash') {
        this.tally.count('kill -9 of PostgreSQL')
        return this.lane.crash(random(4) === 0)
      }
      const lost = when === 'before' ? 'connections cut before a statement' : 'answers lost with the connection'
      this.tally.count(at === 'commit' && when === 'after' ? 'commits whose answer was lost' : lost)
    }
    wire.trap = { at, when, strike }
  }

  disarm() {
    if (this.wire) this.wire.trap = undefined
  }

  /** Ends the last life as it should end. */
  async end() {
    await this.turn
    const life = this.number
    this.number++
    this.host?.send({ do: 'end', life })
    await this.ended
  }

  async stop() {
    await this.turn.catch(() => {})
    this.host?.send({ do: 'end', life: this.number++ })
    await this.ended
    this.wire?.close()
  }

  private again(error: string) {
    if (DEEP.test(error)) {
      if (!this.mayStop)
        return this.fail(new Error(`The indexer stopped though nothing final was taken back: ${error}`))
      this.rewind = true
      this.tally.count('stops at a lost final block')
    } else if (++this.starts > STARTS) return this.fail(new Error(`The indexer does not come up: ${error}`))
    else this.tally.count(`stops: ${error.split(':')[0]}`)
    this.number++
    this.queue(() => this.begin())
  }

  private queue(work: () => Promise<void>) {
    this.turn = this.turn.then(work).catch((error: Error) => this.fail(error))
  }
}
