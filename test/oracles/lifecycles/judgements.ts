import { hashOfText } from './hashOfText.ts'
import type { LifecycleStage, RandomVersion } from './stage.ts'

/** What manifests may name as the evidence of settled tasks. */
export const EVIDENCE = [0, 1, 2].map((n) => hashOfText(`evidence ${n}`))

/** The judgements of a random lifecycle: each task is opened, judged and settled in one block. */
export class RandomJudgements {
  /** The revealed ones, as disputes name them. */
  readonly ids: string[] = []
  private tasks = 0
  private validators = new Set<string>()

  constructor(
    private readonly stage: LifecycleStage,
    private readonly versions: readonly RandomVersion[],
  ) {}

  play() {
    const { chance, people } = this.stage
    const taskId = this.open()
    const judges = chance.some(people)
    for (const validator of judges) this.commit(taskId, validator)
    const revealing = chance.some(judges, 90)
    for (const validator of revealing) this.reveal(taskId, validator)
    if (chance.happens(80)) this.settle(taskId, judges)
  }

  private open(): string {
    const taskId = String(++this.tasks)
    const { id: versionId, model: modelId } = this.stage.chance.of(this.versions)
    const round = { firstTaskId: taskId, tasks: 1n, seats: 3, totalStake: 1n, goldCommitment: hashOfText('gold') }
    const deadlines = { commitDeadline: 1n, revealDeadline: 2n }
    const task = { domain: 'ethics', itemHash: hashOfText('item'), pot: 0n }
    this.stage.emit('FeedbackPool', 'RoundOpened', { roundId: taskId, modelId, ...round, ...deadlines })
    this.stage.emit('FeedbackPool', 'TaskOpened', { taskId, roundId: taskId, versionId, ...task })
    return taskId
  }

  private commit(taskId: string, validator: string) {
    if (!this.validators.has(validator)) this.stage.emit('FeedbackPool', 'ValidatorStaked', { validator, amount: 1n })
    this.validators.add(validator)
    const committed = { commitment: hashOfText('judgement'), seatStake: 1n, stage: 0 }
    this.stage.emit('FeedbackPool', 'FeedbackCommitted', { taskId, validator, ...committed })
  }

  private reveal(taskId: string, validator: string) {
    const values = { choice: 0, ethics: 1, logic: 1, functional: 1, confidence: 1 }
    this.stage.emit('FeedbackPool', 'FeedbackRevealed', { taskId, validator, ...values })
    this.ids.push(String((BigInt(taskId) << 160n) | BigInt(validator)))
  }

  private settle(taskId: string, judges: readonly string[]) {
    const { chance } = this.stage
    for (const validator of judges) {
      const score = chance.happens(25) ? 0 : chance.below(1_000_001)
      this.stage.emit('FeedbackPool', 'FeedbackSettled', { taskId, validator, score, reward: 0n, penalty: 0n })
    }
    const evidenceHash = chance.happens(80) ? chance.of(EVIDENCE) : hashOfText('other evidence')
    this.stage.emit('FeedbackPool', 'TaskSettled', { taskId, paid: 0n, returned: 0n, evidenceHash })
  }
}
