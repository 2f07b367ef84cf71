import { Address, BlockNumber, Flag, Hash, Id, Integer, OnChain, Ref, Text, Time, Versioned, Wei } from '../define.ts'
import { Model, ModelVersion } from './models.ts'

@OnChain('Comparisons that were opened together, and are settled together.')
export class FeedbackRound extends Versioned {
  @Id('The round id.', { numeric: true }) id!: string
  @Ref(() => Model, 'model', 'Whose answers are compared: a model.', { inverse: 'feedbackRounds' }) modelId!: string
  @Integer('The expected weight of the judgements of each task.') seats!: number
  @Wei('The stake of all validators before the opening.') totalStake!: bigint
  @BlockNumber('The block of the opening.') openedBlock!: number
  @Hash('The seed of the seats; null until they are drawn.', { nullable: true }) seed!: string | null
  @Hash('The commitment to its gold tasks: the hash of the secret; null when there are none.', { nullable: true })
  goldCommitment!: string | null
  @Hash('The secret of its gold tasks, which names the artifact that lists them; null until it is opened.', {
    nullable: true,
  })
  goldSecret!: string | null
  @Time('When it was opened.') openedAt!: Date
  @Time('The end of the commit phase.') commitDeadline!: Date
  @Time('The end of the reveal phase.') revealDeadline!: Date
  @Flag('Whether all of its tasks are settled.') settled!: boolean
}

@OnChain('A comparison of two answers for validators to judge.')
export class FeedbackTask extends Versioned {
  @Id('The task id.', { numeric: true }) id!: string
  @Ref(() => FeedbackRound, 'round', 'With which others it was opened and is settled.', { inverse: 'tasks' })
  roundId!: string
  @Ref(() => Model, 'model', 'Whose answers are compared: a model.', { inverse: 'feedbackTasks' }) modelId!: string
  @Ref(() => ModelVersion, 'version', 'The version judged.', { inverse: 'feedbackTasks' }) versionId!: string
  @Text('The domain of judgement.') domain!: string
  @Hash('The item: prompt and answers.') itemHash!: string
  @Wei('The maximum reward.') pot!: bigint
  @Wei('The paid reward.') paid!: bigint
  @Time('The end of the commit phase.') commitDeadline!: Date
  @Time('The end of the reveal phase.') revealDeadline!: Date
  @Flag('Whether its judgements are paid and fined.') settled!: boolean
  @Hash('The settlement’s evidence.', { nullable: true }) evidenceHash!: string | null
}

@OnChain('One validator’s judgement of one task: committed, revealed, settled.')
export class Judgement extends Versioned {
  @Id('`task-validator`.') id!: string
  @Ref(() => FeedbackTask, 'task', 'Which comparison was judged.', { inverse: 'judgements' }) taskId!: string
  @Address('The account that judged.', { index: true }) validator!: string
  @Hash('The salted hash of the judgement, given before it was shown.') commitment!: string
  @Wei('The stake that its seat was drawn with.') seatStake!: bigint
  @Integer('The stage of the commit phase in which it was committed, 0–4.') stage!: number
  @Integer('0 first answer, 1 second, 2 tie; null until revealed.', { nullable: true }) choice!: number | null
  @Integer('Ethics, 0–100.', { nullable: true }) ethics!: number | null
  @Integer('Logic, 0–100.', { nullable: true }) logic!: number | null
  @Integer('Function, 0–100.', { nullable: true }) functional!: number | null
  @Integer('Confidence, 0–100.', { nullable: true }) confidence!: number | null
  @Integer('Its share of the task at settlement, in ppm.', { nullable: true }) score!: number | null
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
  @Address('Whose reputation it is: an account.', { index: true }) validator!: string
  @Text('The domain of judgement.') domain!: string
  @Integer('Lower Wilson bound of decayed success, in ppm.') value!: number
  @Integer('The tier: 0 is a newcomer.') tier!: number
}
