import { chatOf, chatText } from './chatRequest.ts'
import { embeddingList, embeddingOf, embeddingText } from './embeddingRequest.ts'
import {
  AddressInput,
  ChoiceInput,
  checkInput,
  FlagInput,
  IdInput,
  Input,
  type InputClass,
  InputError,
  IntInput,
  JsonInput,
  RealInput,
  TextInput,
  TextsInput,
} from './inputs.ts'

/** A decimal number of wei. */
const WEI = /^\d+$/

/** The hash of a channel's configuration. */
const CHANNEL_ID = /^0x[0-9a-fA-F]{64}$/

/** At least the selector of a function. */
const HEX_BYTES = /^0x(?:[0-9a-f]{2}){4,}$/

const ARTIFACT_NAME = /^0x[0-9a-fA-F]{64}$/

const PRICE = 'What the mandate pays the operator when the version is made, in wei; nothing when absent.'

export const PREFERENCE_METHODS = ['grpo', 'rloo', 'dpo'] as const

@Input('Scores the pending contributions of a datanet and writes the scores on chain.')
export class ScoreInput {
  @IdInput('The datanet.') datanetId!: string
}

@Input('Fine-tunes a model on the accepted contributions of its datanet and registers the new version.')
export class FineTuneInput {
  @IdInput('The model.') modelId!: string
  @IdInput('The datanet.') datanetId!: string
  @IdInput('The version from which to continue; the base model when absent.', { optional: true })
  parentVersionId?: string
  @IntInput('LoRA rank of the adapter.', { default: 8, min: 1, max: 256 }) rank!: number
  @RealInput('LoRA alpha (scale) of the adapter.', { default: 16, min: 0.001, max: 4096 }) alpha!: number
  @IntInput('Passes over the data.', { default: 4, min: 1, max: 1000 }) epochs!: number
  @IntInput('Samples per step.', { default: 16, min: 1, max: 1024 }) batchSize!: number
  @RealInput('Peak learning rate.', { default: 0.003, min: 1e-8, max: 1 }) learningRate!: number
  @IntInput('The seed of initialisation and order.', { default: 1, min: 0, max: 2147483647 }) seed!: number
  @TextInput(PRICE, { optional: true, max: 78, pattern: WEI }) priceWei?: string
}

@Input('Opens comparisons of a version’s answers, which validators judge.')
export class CompareInput {
  @IdInput('The version whose answers are judged.') versionId!: string
  @IdInput('The version to compare with; when absent, two answers of the same version are compared.', {
    optional: true,
  })
  againstVersionId?: string
  @IdInput('The prompts: an uploaded artifact of {"prompts": [...]}.') promptsHash!: string
  @TextInput('The domain of judgement.', { default: 'general', min: 1, max: 60 }) domain!: string
  @IntInput('The percentage of comparisons with a known answer; without a gold pool it must be 0.', {
    default: 0,
    min: 0,
    max: 50,
  })
  goldPercent!: number
  @IdInput(
    'The gold pool: an uploaded artifact of {"salt", "items": [{"prompt", "completion"}]}, which stays sealed. Items whose prompts are among the compared ones become gold, each once.',
    { optional: true, pattern: ARTIFACT_NAME },
  )
  goldPool?: string
  @RealInput('Sampling temperature.', { default: 1, min: 0, max: 5 }) temperature!: number
  @IntInput('The number of comparisons.', { default: 60, min: 1, max: 1000 }) tasks!: number
  @TextInput('The maximum reward for each comparison, in wei.', { default: '1000000000000000', max: 78, pattern: WEI })
  potWei!: string
  @IntInput('The expected number of judgements of each comparison: seats are drawn by stake.', {
    default: 9,
    min: 1,
    max: 60,
  })
  seats!: number
  @IntInput('The commit phase, in seconds.', { default: 3600, min: 1, max: 31536000 }) commitSeconds!: number
  @IntInput('The reveal phase, in seconds.', { default: 3600, min: 1, max: 31536000 }) revealSeconds!: number
  @IntInput('Another seed gives another draw, which also depends on a secret of the workers.', {
    default: 1,
    min: 0,
    max: 2147483647,
  })
  seed!: number
}

@Input('Settles revealed judgements: rewards, penalties and reputations.')
export class SettleFeedbackInput {
  @IdInput('The version that was judged.') versionId!: string
}

@Input('Aligns a version with the validators’ weighted preferences (RLHF) and registers the new version.')
export class RlhfInput {
  @IdInput('The version to align.') versionId!: string
  @IdInput('The training prompts: an uploaded artifact of {"prompts": [...]}.') promptsHash!: string
  @ChoiceInput(
    'PreferenceMethod',
    PREFERENCE_METHODS,
    'The method: policy gradient with a reward model (grpo, rloo), or direct preference optimisation (dpo).',
    { default: 'rloo' },
  )
  method!: (typeof PREFERENCE_METHODS)[number]
  @IntInput('The number of policy updates.', { default: 40, min: 1, max: 100000 }) steps!: number
  @IntInput('Prompts per update.', { default: 16, min: 1, max: 512 }) prompts!: number
  @IntInput('Answers per prompt.', { default: 4, min: 2, max: 64 }) group!: number
  @RealInput('The weight of the KL divergence from the starting version.', { default: 0.05, min: 0, max: 10 })
  beta!: number
  @RealInput(
    'The weight of the supervised loss in each update, on samples from which the version has learned; 0 for none. A higher one keeps more of what the version can do.',
    { default: 2, min: 0, max: 1000 },
  )
  supervisedWeight!: number
  @RealInput('Learning rate.', { default: 0.002, min: 1e-8, max: 1 }) learningRate!: number
  @IntInput('The seed of sampling and order.', { default: 1, min: 0, max: 2147483647 }) seed!: number
  @TextInput(PRICE, { optional: true, max: 78, pattern: WEI }) priceWei?: string
}

@Input(
  'Evaluates a version with the mandate’s rubric, once, and logs every metric on chain. A version that is evaluated already is only promoted.',
)
export class EvaluateInput {
  @IdInput('The version.') versionId!: string
  @FlagInput('Whether to promote the version when it meets every target.', { default: true }) promote!: boolean
  @FlagInput('Whether to evaluate the base model too.', { default: false }) baseline!: boolean
}

@Input(
  'Answers a part of the sealed items again with a version that serves, and scores the answers: over all parts, the rolling evaluation. It writes nothing on chain.',
)
export class MonitorInput {
  @IdInput('The version.') versionId!: string
  @IntInput('The number of the period, since 1970: periods take the parts in turns.', { min: 0, max: 2147483647 })
  period!: number
  @IntInput('The length of a period, in seconds.', { default: 21600, min: 60, max: 31536000 }) everySeconds!: number
  @IntInput('How many parts there are; fewer when a part had less than 10 items.', { default: 4, min: 1, max: 64 })
  parts!: number
}

@Input(
  'Disputes a version whose rolling evaluation is significantly below a target of the mandate, with the bond of the operator. A vote decides whether it is rolled back.',
)
export class DisputeVersionInput {
  @IdInput('The version.') versionId!: string
  @TextInput('The largest bond, in wei of gOPEN.', { default: '1000000000000000000', max: 78, pattern: WEI })
  maxBondWei!: string
}

/** Characters of a prompt or a conversation. */
const MAX_PROMPT = 32_768

@Input('Requests an answer from an endpoint: reserves credit, posts the fee and writes a receipt.')
export class InferInput {
  @IdInput('The endpoint.') endpointId!: string
  @TextInput('The prompt.', { optional: true, min: 1, max: MAX_PROMPT }) prompt?: string
  @JsonInput(
    'A conversation instead of the prompt: {"messages": [{"role", "content"}], "tools": […]}, in the form of OpenAI’s chat completions, with texts only and the arguments of calls as objects.',
    { optional: true, max: MAX_PROMPT },
  )
  chat?: string
  @JsonInput(
    'Texts to embed instead of a prompt to answer: a list of up to 256 texts, or lists of token ids. The answer is {"embeddings": […]}: each vector as 32-bit floats, little-endian, in base64. What concerns an answer’s text has no effect.',
    { optional: true, max: MAX_PROMPT },
  )
  embed?: string
  @IntInput('The maximum number of output tokens.', { default: 64, min: 1, max: 4096 }) maxTokens!: number
  @RealInput('The sampling temperature; 0 always takes the most likely token.', { default: 0, min: 0, max: 5 })
  temperature!: number
  @RealInput('The probability mass of nucleus sampling.', { default: 1, min: 0.01, max: 1 }) topP!: number
  @RealInput('Values above 1 make repeated tokens less likely.', { optional: true, min: 0.1, max: 10 })
  repetitionPenalty?: number
  @RealInput('Makes tokens less likely that the answer has; below 0, more likely.', { optional: true, min: -2, max: 2 })
  presencePenalty?: number
  @RealInput('Makes tokens less likely for each time that the answer has them; below 0, more likely.', {
    optional: true,
    min: -2,
    max: 2,
  })
  frequencyPenalty?: number
  @JsonInput('What is added to the logits of tokens: {"id of the token": from -100 to 100}.', {
    optional: true,
    max: 16384,
  })
  logitBias?: string
  @TextsInput('Stop sequences: the answer ends before the first of them.', { optional: true, max: 8 }) stop?: string[]
  @JsonInput('A JSON Schema that the answer must satisfy.', { optional: true, max: 16384 }) responseSchema?: string
  @IntInput('The number of most likely alternatives to return for each token.', { optional: true, min: 0, max: 20 })
  topLogprobs?: number
  @IntInput('The seed of sampling.', { default: 1, min: 0, max: 2147483647 }) seed!: number
  @AddressInput('The account that pays: it needs a channel with the endpoint.') consumer!: string
  @IdInput('The payment channel that pays; when absent, the one with the newest voucher that has room for the call.', {
    optional: true,
    pattern: CHANNEL_ID,
  })
  channelId?: string
  @FlagInput(
    'Whether prompt and answer may be shown to everybody: only then the sources of this answer share its fee in the answers’ part.',
    { default: false },
  )
  open!: boolean
}

@Input('Attributes one answer to contributions.')
export class AttributeInput {
  @IdInput('The receipt.') receiptId!: string
}

@Input('Lets an endpoint of this operator serve another version of its model.')
export class PointEndpointInput {
  @IdInput('The endpoint.') endpointId!: string
  @IdInput('The version: a promoted one of the same model.') versionId!: string
}

@Input('Redeems what consumers owe for answered calls, from the channels of the endpoints that this operator hosts.')
export class RedeemInput {}

@Input('Settles an epoch: redeems what is owed, computes the reward map from finalised facts, and publishes the root.')
export class SettleEpochInput {
  @IntInput('The epoch.', { min: 1, max: 1000000 }) epoch!: number
}

@Input('Resolves a dispute by recomputation, where that is possible.')
export class ResolveDisputeInput {
  @IdInput('The dispute.') disputeId!: string
}

@Input(
  'Sends a call that an account has signed, so that the account pays no gas. The call is tried first, and sent once.',
)
export class RelayInput {
  @AddressInput('The account that has signed, or that the call serves.') account!: string
  @TextInput('The call, one of those that `deployment` names under `relay`: `Contract.function`.', { min: 1, max: 100 })
  call!: string
  @TextInput('The data of the call as hex: the selector and the encoded arguments.', {
    max: 20_000,
    pattern: HEX_BYTES,
  })
  data!: string
}

/** Each lane is a queue of its own, with its own slots in a worker: long work in one lane keeps nothing in another waiting.
 *  infer: answers. attribute: attribution of answers. training: everything else that runs a model. chain: settlement and other chain writes.
 *  recourse: verdicts on disputes, which another key signs. relay: what others have signed, sent by a key of its own. */
export const LANES = ['infer', 'attribute', 'training', 'chain', 'recourse', 'relay'] as const
export type Lane = (typeof LANES)[number]

export interface JobDefinition<T extends object = object> {
  lane: Lane
  /** Within a lane, jobs with a lower number start earlier. Answers are ordered by `FAIR_SHARE` in addition. */
  priority?: number
  /** The maximum number of starts after faults of the job itself (an unexpected error, a crash, a stall). An invalid input is never retried,
   *  and waiting for a service that is away uses no attempt. */
  attempts: number
  /** An attempt that reports nothing new for this time is ended. It is longer than the longest wait of a healthy job. */
  stallMs: number
  input: InputClass<T>
}

const job = <T extends object>(definition: JobDefinition<T>) => definition

const MINUTE = 60_000

/** All kinds of jobs. A kind without a handler does not compile. */
export const jobs = {
  scoreDatanet: job({ lane: 'chain', attempts: 5, stallMs: 30 * MINUTE, input: ScoreInput }),
  fineTune: job({ lane: 'training', priority: 10, attempts: 5, stallMs: 60 * MINUTE, input: FineTuneInput }),
  compare: job({ lane: 'training', attempts: 5, stallMs: 30 * MINUTE, input: CompareInput }),
  settleFeedback: job({ lane: 'chain', attempts: 5, stallMs: 30 * MINUTE, input: SettleFeedbackInput }),
  rlhf: job({ lane: 'training', priority: 10, attempts: 5, stallMs: 60 * MINUTE, input: RlhfInput }),
  evaluate: job({ lane: 'training', attempts: 5, stallMs: 60 * MINUTE, input: EvaluateInput }),
  monitorVersion: job({ lane: 'training', attempts: 5, stallMs: 60 * MINUTE, input: MonitorInput }),
  disputeVersion: job({ lane: 'chain', attempts: 5, stallMs: 30 * MINUTE, input: DisputeVersionInput }),
  infer: job({ lane: 'infer', attempts: 5, stallMs: 10 * MINUTE, input: InferInput }),
  attribute: job({ lane: 'attribute', attempts: 5, stallMs: 30 * MINUTE, input: AttributeInput }),
  pointEndpoint: job({ lane: 'chain', attempts: 5, stallMs: 30 * MINUTE, input: PointEndpointInput }),
  redeem: job({ lane: 'chain', attempts: 5, stallMs: 30 * MINUTE, input: RedeemInput }),
  // Waits for finality, which takes minutes to hours.
  settleEpoch: job({ lane: 'chain', attempts: 5, stallMs: 360 * MINUTE, input: SettleEpochInput }),
  resolveDispute: job({ lane: 'recourse', attempts: 5, stallMs: 60 * MINUTE, input: ResolveDisputeInput }),
  relay: job({ lane: 'relay', attempts: 3, stallMs: 30 * MINUTE, input: RelayInput }),
} as const satisfies Record<string, JobDefinition<never> | JobDefinition>

export type JobKind = keyof typeof jobs
export type JobInput<K extends JobKind> = InstanceType<(typeof jobs)[K]['input']>
export const jobKinds = Object.keys(jobs) as JobKind[]

/** The definition of a kind. Undefined for a kind of another release, which may be in the database during an upgrade. */
export const jobDefinition = (kind: string): JobDefinition | undefined =>
  Object.hasOwn(jobs, kind) ? (jobs[kind as JobKind] as unknown as JobDefinition) : undefined

export function checkJobInput<K extends JobKind>(kind: K, value: unknown): JobInput<K> {
  const input = checkInput(jobs[kind].input as InputClass<JobInput<K>>, value)
  if (input instanceof InferInput) checkPrompt(input)
  return input
}

/** A call has a prompt, a conversation, or texts to embed. The latter two are stored in their canonical form. */
function checkPrompt(input: InferInput): void {
  const { prompt, chat, embed, open } = input
  if ([prompt, chat, embed].filter((one) => one !== undefined).length !== 1)
    throw new InputError(
      'InferInput.prompt: give a prompt, or a conversation as `chat`, or texts as `embed`, and one of them only.',
    )
  if (prompt !== undefined && chatOf(prompt))
    throw new InputError('InferInput.prompt has the form of a conversation: send it as `chat`.')
  if (prompt !== undefined && embeddingOf(prompt))
    throw new InputError('InferInput.prompt has the form of texts to embed: send them as `embed`.')
  if (embed !== undefined && open)
    throw new InputError('InferInput.open: embeddings are not traced to their sources, so they cannot be opened.')
  if (chat !== undefined) input.chat = canonical('chat is no conversation', chat, chatText)
  if (embed !== undefined) input.embed = canonical('embed has no texts to embed', embed, embeddingList)
}

function canonical(fault: string, json: string, textOf: (value: unknown) => string): string {
  try {
    return textOf(JSON.parse(json))
  } catch (cause) {
    throw new InputError(`InferInput.${fault}: ${(cause as Error).message}`, { cause })
  }
}

/** The text of a call: its prompt, or the canonical JSON of its conversation or of its texts to embed. */
export const promptOf = ({ prompt, chat, embed }: Pick<InferInput, 'prompt' | 'chat' | 'embed'>): string =>
  prompt ?? chat ?? (embed === undefined ? '' : embeddingText(embed))

/** The most tokens that a call may be charged as its answer: vectors cost nothing beside the texts. */
export const maxTokensOut = ({ embed, maxTokens }: Pick<InferInput, 'embed' | 'maxTokens'>): number =>
  embed === undefined ? maxTokens : 0
