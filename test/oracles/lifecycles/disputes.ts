import { account } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { hashOfText } from './hashOfText.ts'
import type { LifecycleStage } from './stage.ts'

/** Kinds of subjects and outcomes, as the contract numbers them. */
const [CONTRIBUTION, JUDGEMENT, VERSION, REWARD_MAP] = [0, 1, 2, 3]
const [UPHELD, REJECTED, LAPSED] = [1, 2, 3]

interface Subjects {
  contributions: readonly string[]
  /** `taskId << 160 | validator` of each. */
  judgements: readonly string[]
}

/** The disputes of a random lifecycle. As in the contract, a subject has one open dispute, and none after an upheld one. */
export class RandomDisputes {
  private count = 0
  private open = new Map<string, string>()
  private upheld = new Set<string>()

  constructor(
    private readonly stage: LifecycleStage,
    private readonly subjects: Subjects,
  ) {}

  openOne() {
    const { chance } = this.stage
    const kind = chance.of([...Array(4).fill(CONTRIBUTION), ...Array(4).fill(JUDGEMENT), VERSION, REWARD_MAP])
    const ids = kind === JUDGEMENT ? this.subjects.judgements : this.subjects.contributions
    if (ids.length === 0) return
    const subjectId = chance.of(ids)
    const subject = `${kind} ${subjectId}`
    if (this.upheld.has(subject) || [...this.open.values()].includes(subject)) return
    const disputeId = String(++this.count)
    this.open.set(disputeId, subject)
    const cause = { challenger: account(2), bond: 0n, evidenceHash: hashOfText('proof') }
    this.stage.emit('Disputes', 'DisputeOpened', { disputeId, kind, subjectId, ...cause })
  }

  resolveOne() {
    if (this.open.size === 0) return
    const { chance } = this.stage
    const disputeId = chance.of([...this.open.keys()])
    const outcome = chance.happens(80) ? UPHELD : chance.of([REJECTED, LAPSED])
    if (outcome === UPHELD) this.upheld.add(must(this.open.get(disputeId)))
    this.open.delete(disputeId)
    this.stage.emit('Disputes', 'DisputeResolved', { disputeId, outcome, slashed: 0n })
  }
}
