import { Address, Flag, Hash, Id, Integer, OnChain, Ref, Text, Time, Versioned, Wei } from '../define.ts'
import { Model, ModelVersion } from './models.ts'

@OnChain('A comparison of two answers for validators to judge.')
export class FeedbackTask extends Versioned {
  @Id('The task id.', { numeric: true }) id!: string
  @Ref(() => Model, 'model', 'The model.', { inverse: 'feedbackTasks' }) modelId!: string
  @Ref(() => ModelVersion, 'version', 'The version judged.', { inverse: 'feedbackTasks' }) versionId!: string
  @Text('The domain of judgement.') domain!: string
  @Hash('The item: prompt and answers.') itemHash!: string
  @Wei('The maximum reward.') pot!: bigint
  @Wei('The paid reward.') paid!: bigint
  @Time('The end of the commit phase.') commitDeadline!: Date
  @Time('The end of the reveal phase.') revealDeadline!: Date
  @Flag('Whether it is settled.') settled!: boolean
  @Hash('The settlement’s evidence.', { nullable: true }) evidenceHash!: string | null
}

@OnChain('One validator’s judgement of one task: committed, revealed, settled.')
export class Judgement extends Versioned {
  @Id('`task-validator`.') id!: string
  @Ref(() => FeedbackTask, 'task', 'The task.', { inverse: 'judgements' }) taskId!: string
  @Address('The validator.', { index: true }) validator!: string
  @Hash('The commitment.') commitment!: string
  @Integer('0 first answer, 1 second, 2 tie; null until revealed.', { nullable: true }) choice!: number | null
  @Integer('Ethics, 0–100.', { nullable: true }) ethics!: number | null
  @Integer('Logic, 0–100.', { nullable: true }) logic!: number | null
  @Integer('Function, 0–100.', { nullable: true }) functional!: number | null
  @Integer('Confidence, 0–100.', { nullable: true }) confidence!: number | null
  @Integer('Score at settlement, in ppm.', { nullable: true }) score!: number | null
  @Wei('Reward at settlement.') reward!: bigint
  @Wei('Penalty at settlement.') penalty!: bigint
}

@OnChain('A validator’s stake and unclaimed rewards.')
export class Validator extends Versioned {
  @Id('The account.') id!: string
  @Wei('The present stake.') stake!: bigint
  @Wei('All settled rewards.') earned!: bigint
  @Wei('Of these, withdrawn.') withdrawn!: bigint
  @Wei('All penalties and slashes.') lost!: bigint
}

@OnChain('A validator’s reputation in one domain.')
export class Reputation extends Versioned {
  @Id('`validator-domain`.') id!: string
  @Address('The validator.', { index: true }) validator!: string
  @Text('The domain of judgement.') domain!: string
  @Integer('Lower Wilson bound of decayed success, in ppm.') value!: number
  @Integer('The tier: 0 is a newcomer.') tier!: number
}
