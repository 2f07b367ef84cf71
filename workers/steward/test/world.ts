import { decide } from '../decide.ts'
import type { DatanetFacts, ModelFacts, RoundFacts, VersionFacts } from '../facts.ts'
import { subjectOf } from '../facts.ts'
import { type Control, type IdentifiedStep, occasionOf, plan, type StepRecord } from '../plan.ts'
import { factsWith, later, scored } from './facts.ts'

/** A model that lives in memory: people contribute and judge, jobs end, and stewards look and act at any time. It refuses what the facts do not allow, and
 *  keeps the ids of steps unique, as the database does. */
export class StewardWorld {
  seconds = 0
  paused = false
  resumedAt: Date | null = null
  readonly asked = new Map<string, { step: IdentifiedStep; record: StepRecord }>()
  private contributions = { scored: 0, all: 0, oldestAt: 0 }
  private trained: DatanetFacts['trained'] = null
  private versions: VersionFacts[] = []
  private parents = new Map<string, string>()
  private rounds: (RoundFacts & { judged: number; settled: boolean })[] = []
  private endpoint = '0'
  private funds = 1000n

  contribute(count: number) {
    if (this.contributions.scored === this.contributions.all) this.contributions.oldestAt = this.seconds
    this.contributions.all += count
  }

  judge() {
    for (const round of this.rounds) if (!round.settled && round.revealDeadline > later(this.seconds)) round.judged = 4
  }

  get liveId() {
    return this.versions.findLast(({ status }) => status === 'Promoted')?.id ?? null
  }

  /** The name and method of the live version, for what a play must reach. */
  get liveMethod() {
    return this.versions.find(({ id }) => id === this.liveId)?.method
  }

  private get running() {
    return [...this.asked.values()].filter(({ record }) => record.status === 'Running')
  }

  facts(): ModelFacts {
    const { scored: accepted, all, oldestAt } = this.contributions
    const live = this.liveId
    const ofLive = this.rounds.filter(({ versionId }) => versionId === live)
    const reserved = this.running.reduce((sum, { step }) => sum + (step.cost ?? 0n), 0n)
    const unscored =
      all > accepted ? { count: all - accepted, firstId: String(accepted + 1), oldestAt: later(oldestAt) } : null
    return factsWith({
      now: later(this.seconds),
      chainTime: later(this.seconds),
      mandate: { ...factsWith().mandate, funds: this.funds - reserved },
      datanets: [
        { id: '1', unscored, accepted, fresh: accepted - (this.trained?.samples ?? 0), trained: this.trained },
      ],
      versions: structuredClone(this.versions.filter(({ id }) => Number(id) >= Number(live ?? 0))),
      live:
        live === null
          ? null
          : {
              id: live,
              rounds: ofLive.length,
              judged: ofLive.reduce((sum, one) => sum + (one.settled ? one.judged : 0), 0),
              aligned: [...this.parents.values()].includes(live),
            },
      rounds: this.rounds.filter(({ settled }) => !settled).map((one) => ({ ...one })),
      endpoints: [{ id: '1', versionId: this.endpoint }].filter(({ versionId }) => versionId !== '0'),
      jobs: this.running.map(({ step, record }) => ({
        id: record.jobId,
        kind: step.kind,
        subject: subjectOf(step.input),
      })),
    })
  }

  control = (): Control => ({ paused: this.paused, pausedReason: null, resumedAt: this.resumedAt })
  records = (): StepRecord[] => [...this.asked.values()].map(({ record }) => ({ ...record }))

  /** Asks for a job. The same id again is the same job. @throws Error when the facts do not allow it, or it was done already. */
  ask(step: IdentifiedStep) {
    if (this.asked.has(step.id)) return
    const before = [...this.asked.values()].filter(({ record }) => occasionOf(record.id) === step.occasion)
    if (before.some(({ record }) => record.status !== 'Failed')) throw new Error(`${step.id} is asked for twice`)
    if (!this.allows(step)) throw new Error(`${step.id} comes before its facts`)
    const jobId = `job ${this.asked.size + 1}`
    const record = { id: step.id, jobId, kind: step.kind, status: 'Running' as const, finishedAt: null, error: null }
    this.asked.set(step.id, { step, record })
  }

  /** Whether a step may be taken, told from the state itself. */
  private allows({ name, input }: IdentifiedStep): boolean {
    const { scored: accepted, all } = this.contributions
    const { versionId } = input as { versionId?: string }
    const version = this.versions.find(({ id }) => id === versionId)
    const ofVersion = this.rounds.filter((one) => one.versionId === versionId)
    switch (name) {
      case 'score':
        return all > accepted
      case 'train':
        return accepted > (this.trained?.samples ?? 9)
      case 'evaluate':
        return version?.metrics.length === 0
      case 'promote':
        return version?.status === 'Registered' && (version.metrics[0]?.lower ?? 0n) >= 500_000n
      case 'judge':
        return version?.status === 'Promoted' && ofVersion.length === 0
      case 'settle':
        return ofVersion.some((one) => !one.settled && one.revealDeadline < later(this.seconds))
      case 'align':
        return ofVersion.length > 0 && ofVersion.every(({ settled }) => settled)
      default:
        return name === 'follow' && version?.status === 'Promoted'
    }
  }

  /** Ends the oldest running job. */
  finish(outcome: 'Succeeded' | 'Failed', score: number) {
    const [first] = this.running
    if (!first) return
    if (outcome === 'Succeeded') this.effect(first.step, score)
    first.record.status = outcome
    first.record.finishedAt = later(this.seconds)
  }

  private effect({ name, input, cost = 0n }: IdentifiedStep, score: number) {
    const { versionId = '' } = input as { versionId?: string }
    if (cost > this.funds) throw new Error(`${name} costs more than the mandate has`)
    this.funds -= cost
    const version = this.versions.find(({ id }) => id === versionId) as VersionFacts & { status: string }
    const register = (method: string) => {
      const id = String(this.versions.length + 1)
      this.versions.push({ id, method, status: 'Registered', metrics: [] })
      return id
    }
    if (name === 'score') this.contributions.scored = this.contributions.all
    if (name === 'train')
      this.trained = { versionId: register('sft'), samples: this.contributions.scored, at: later(this.seconds) }
    if (name === 'align') this.parents.set(register('rloo'), versionId)
    if (name === 'evaluate') Object.assign(version, { metrics: scored(score) })
    if (name === 'promote') {
      Object.assign(version, { status: 'Promoted' })
      if (this.endpoint === '0') this.endpoint = versionId
    }
    if (name === 'follow') this.endpoint = versionId
    if (name === 'judge') {
      const id = String(this.rounds.length + 1)
      this.rounds.push({ id, versionId, revealDeadline: later(this.seconds + 120), judged: 0, settled: false })
    }
    if (name === 'settle')
      for (const one of this.rounds)
        if (one.versionId === versionId && one.revealDeadline < later(this.seconds)) one.settled = true
  }
}

/** A steward that looks at one moment and acts at a later one. */
export class SlowSteward {
  private seen: { facts: ModelFacts; records: StepRecord[]; control: Control } | undefined
  constructor(private readonly world: StewardWorld) {}

  look() {
    const { world } = this
    this.seen = { facts: world.facts(), records: world.records(), control: world.control() }
  }

  /** @returns what it asked for, and what it knew. */
  act() {
    if (!this.seen) return undefined
    const { facts, records, control } = this.seen
    const decided = plan(decide(facts), records, control)
    for (const step of decided.ask) this.world.ask(step)
    return { ...decided, records, control }
  }
}
