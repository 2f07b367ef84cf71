import {
  ChoiceInput,
  checkInput,
  FlagInput,
  IdInput,
  Input,
  type InputClass,
  IntInput,
  JsonInput,
  RealInput,
  TextInput,
  TextsInput,
} from './inputs.ts'

export const PREFERENCE_METHODS = ['grpo', 'rloo', 'dpo'] as const

@Input('Scores the contributions of a datanet that wait for a verdict, and writes the scores on chain.')
export class ScoreInput {
  @IdInput('The datanet.') datanetId!: string
}

@Input('Fine-tunes a model on the accepted contributions of its datanet; ends with a registered version.')
export class FineTuneInput {
  @IdInput('The model.') modelId!: string
  @IdInput('The datanet.') datanetId!: string
  @IdInput('The version to go on from; the base model when absent.', { optional: true }) parentVersionId?: string
  @IntInput('Rank of the adapter.', { default: 8, min: 1, max: 256 }) rank!: number
  @RealInput('Scale of the adapter.', { default: 16, min: 0.001, max: 4096 }) alpha!: number
  @IntInput('Passes over the data.', { default: 4, min: 1, max: 1000 }) epochs!: number
  @IntInput('Samples a step.', { default: 16, min: 1, max: 1024 }) batchSize!: number
  @RealInput('Peak learning rate.', { default: 0.003, min: 1e-8, max: 1 }) learningRate!: number
  @IntInput('Fixes initialisation and order.', { default: 1, min: 0, max: 2147483647 }) seed!: number
}

@Input('Opens comparisons of a version’s answers for validators to judge.')
export class CompareInput {
  @IdInput('The version whose answers are judged.') versionId!: string
  @IdInput('A version whose answers stand against them; absent: two answers of the same version.', { optional: true })
  againstVersionId?: string
  @IdInput('The prompts: an uploaded artifact of {"prompts": [...]}.') promptsHash!: string
  @TextInput('The domain of judgement.', { default: 'general', min: 1, max: 60 }) domain!: string
  @IntInput('Of a hundred comparisons, how many have a known answer.', { default: 25, min: 0, max: 100 })
  goldPercent!: number
  @RealInput('Sampling temperature.', { default: 1, min: 0, max: 5 }) temperature!: number
  @IntInput('Comparisons.', { default: 60, min: 1, max: 1000 }) tasks!: number
  @TextInput('What may be paid for each, in wei.', { default: '1000000000000000', max: 78 }) potWei!: string
  @IntInput('Seconds to commit.', { default: 3600, min: 1, max: 31536000 }) commitSeconds!: number
  @IntInput('Seconds to reveal after that.', { default: 3600, min: 1, max: 31536000 }) revealSeconds!: number
  @IntInput('Fixes prompts and sampling.', { default: 1, min: 0, max: 2147483647 }) seed!: number
}

@Input('Settles revealed judgements: rewards, penalties, reputations.')
export class SettleFeedbackInput {
  @IdInput('The version that was judged.') versionId!: string
}

@Input('Aligns a version with validators’ weighted preferences (RLHF); ends with a registered version.')
export class RlhfInput {
  @IdInput('The version to align.') versionId!: string
  @IdInput('Prompts to practise on: an uploaded artifact of {"prompts": [...]}.') promptsHash!: string
  @ChoiceInput(
    'PreferenceMethod',
    PREFERENCE_METHODS,
    'How: policy gradient on a reward model (grpo, rloo), or direct preferences (dpo).',
    { default: 'rloo' },
  )
  method!: (typeof PREFERENCE_METHODS)[number]
  @IntInput('Updates of the policy.', { default: 40, min: 1, max: 100000 }) steps!: number
  @IntInput('Prompts an update.', { default: 16, min: 1, max: 512 }) prompts!: number
  @IntInput('Answers a prompt.', { default: 4, min: 2, max: 64 }) group!: number
  @RealInput('Weight of the divergence from the version it started from.', { default: 0.05, min: 0, max: 10 })
  beta!: number
  @RealInput('Learning rate.', { default: 0.002, min: 1e-8, max: 1 }) learningRate!: number
  @IntInput('Fixes sampling and order.', { default: 1, min: 0, max: 2147483647 }) seed!: number
}

@Input('Runs the mandate’s rubric on a version and logs every metric on chain.')
export class EvaluateInput {
  @IdInput('The version.') versionId!: string
  @FlagInput('Whether to promote it when every target is met.', { default: true }) promote!: boolean
  @FlagInput('Whether to measure the base model beside it.', { default: false }) baseline!: boolean
  @IntInput('Fixes sampling.', { default: 1, min: 0, max: 2147483647 }) seed!: number
}

@Input('Asks an endpoint for an answer; its credit is reserved, the fee posted, a receipt left.')
export class InferInput {
  @IdInput('The endpoint.') endpointId!: string
  @TextInput('The prompt.', { min: 1, max: 32768 }) prompt!: string
  @IntInput('Most output tokens.', { default: 64, min: 1, max: 4096 }) maxTokens!: number
  @RealInput('0 takes the likeliest token.', { default: 0, min: 0, max: 5 }) temperature!: number
  @RealInput('Nucleus.', { default: 1, min: 0.01, max: 1 }) topP!: number
  @RealInput('Above 1, tokens that were there become less likely.', { optional: true, min: 0.1, max: 10 })
  repetitionPenalty?: number
  @TextsInput('Texts before which the answer ends.', { optional: true, max: 8 }) stop?: string[]
  @JsonInput('A JSON Schema that the answer satisfies.', { optional: true, max: 16384 }) responseSchema?: string
  @IntInput('So many of the likeliest tokens are told beside each one chosen.', { optional: true, min: 0, max: 20 })
  topLogprobs?: number
  @IntInput('Fixes sampling.', { default: 1, min: 0, max: 2147483647 }) seed!: number
  @TextInput('Who pays: an account with credit.', { min: 42, max: 42 }) consumer!: string
}

@Input('Traces one answer to the contributions that caused it.')
export class AttributeInput {
  @IdInput('The receipt.') receiptId!: string
}

@Input('Closes an epoch: settles usage, computes the reward map of its finalised facts, publishes the root.')
export class SettleEpochInput {
  @IntInput('The epoch.', { min: 1, max: 1000000 }) epoch!: number
}

@Input('Decides a dispute by recomputation, where that is possible.')
export class ResolveDisputeInput {
  @IdInput('The dispute.') disputeId!: string
}

export interface JobDefinition<T extends object = object> {
  /** gpu: runs the engine in a child process, bounded by the device; cpu: everything else. */
  queue: 'gpu' | 'cpu'
  /** How often it may be started when our side fails (a crash, a lost node); a fault of the input is never retried. */
  attempts: number
  input: InputClass<T>
}

const job = <T extends object>(definition: JobDefinition<T>) => definition

/** Everything the workers can be asked for. A kind without a handler does not compile. */
export const jobs = {
  scoreDatanet: job({ queue: 'cpu', attempts: 5, input: ScoreInput }),
  fineTune: job({ queue: 'gpu', attempts: 5, input: FineTuneInput }),
  compare: job({ queue: 'gpu', attempts: 5, input: CompareInput }),
  settleFeedback: job({ queue: 'cpu', attempts: 5, input: SettleFeedbackInput }),
  rlhf: job({ queue: 'gpu', attempts: 5, input: RlhfInput }),
  evaluate: job({ queue: 'gpu', attempts: 5, input: EvaluateInput }),
  infer: job({ queue: 'gpu', attempts: 5, input: InferInput }),
  attribute: job({ queue: 'gpu', attempts: 5, input: AttributeInput }),
  settleEpoch: job({ queue: 'cpu', attempts: 5, input: SettleEpochInput }),
  resolveDispute: job({ queue: 'cpu', attempts: 5, input: ResolveDisputeInput }),
} as const

export type JobKind = keyof typeof jobs
export type JobInput<K extends JobKind> = InstanceType<(typeof jobs)[K]['input']>
export const jobKinds = Object.keys(jobs) as JobKind[]

export const checkJobInput = <K extends JobKind>(kind: K, value: unknown): JobInput<K> =>
  checkInput(jobs[kind].input as InputClass<JobInput<K>>, value)
