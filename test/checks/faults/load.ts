import { join } from 'node:path'
import { openArtifacts } from '#cli/openArtifacts.ts'
import { type Client, channelWith, createDatanet, grant, upload } from '#client/index.ts'
import { exampleAccount } from '#example/accounts.ts'
import { type Consumer, consumers } from '#example/consumers.ts'
import { TRIAGE, TRIAGE_FOLDER } from '#example/modelFolder.ts'
import { type Recipe, SCALES } from '#example/recipe.ts'
import { openStory, type StoryContext } from '#example/story/context.ts'
import { giveSamples, openTriageDatanet, peopleOf } from '#example/story/gather.ts'
import { proposeStage } from '#example/story/propose.ts'
import { payOut } from '#example/story/reward.ts'
import { openTriageEndpoint, serveStage } from '#example/story/serve.ts'
import { storeFolder } from '#schema/folders.ts'
import { ApiClient } from '../apiClient.ts'
import type { Installation } from './installation.ts'

/** The load of a run: one lifecycle at a small scale, whose jobs an operator asks for, with answers during training. It is the same for every seed, so that its results can be
 *  compared with those of an undisturbed run; only the faults differ. */

const LOAD_SEED = 7
/** How long the second training is, and how many calls each consumer makes: one before it, the others during it. */
export interface LoadSize {
  epochs: number
  callsEach: number
}
export const SMALL_LOAD: LoadSize = { epochs: 12, callsEach: 5 }
/** Answers that are requested at the same time. */
const PARALLEL_ANSWERS = 3

const RECIPE: Recipe = { ...SCALES.small, samples: 0.05, policy: undefined }
const FINE_TUNE = SCALES.small.policy?.train?.settings

interface LoadContext extends StoryContext {
  api: ApiClient
}

export interface PlayedLoad {
  /** Requests that were answered, and requests that had to be repeated. */
  answered: number
  repeated: number
}

/** Plays the load to its end. @throws Error when a request is refused, a job fails, or `over` is aborted. */
export async function playLoad(
  { servers, apiUrls }: Pick<Installation, 'servers' | 'apiUrls'>,
  over: AbortSignal,
  say: (line: string) => void,
  size = SMALL_LOAD,
): Promise<PlayedLoad> {
  const counts = { answered: 0, repeated: 0 }
  // An earlier release takes no base models through its API.
  const store = await openArtifacts({ s3: servers.s3, artifacts: '' })
  await storeFolder(store, join(TRIAGE_FOLDER, TRIAGE.model.base.folder ?? ''))
  const story = await openStory({
    seed: LOAD_SEED,
    recipe: { ...RECIPE, calls: [1, size.callsEach - 1] },
    url: apiUrls.join(','),
    rpcUrl: servers.rpcUrl,
    patienceMs: 240_000,
    onRetry: () => counts.repeated++,
    signal: over,
    say,
  })
  const { ask, ...client } = story.as('platform')
  const counted: Client['ask'] = async (...question) => {
    const answer = await ask(...question)
    counts.answered++
    return answer
  }
  const api = new ApiClient({ ...client, ask: counted })
  const context: LoadContext = { ...story, api }
  const proposed = await proposeStage(context)
  const modelId = proposed.modelId.toString()
  say('the model is approved')
  const gathered = { datanetId: await openTriageDatanet(context, proposed.modelId), owner: new Map() }
  const datanetId = gathered.datanetId.toString()
  await giveSamples(context, peopleOf(context), gathered)
  await api.runJob('scoreDatanet', { datanetId }, 'load:score')
  say('the contributions are scored')
  const empty = await openEmptyDatanet(context, modelId)
  const trained = await api.runJob<{ versionId: string }>(
    'fineTune',
    { modelId, datanetId, ...FINE_TUNE, seed: LOAD_SEED },
    'load:fineTune',
  )
  await api.runJob('evaluate', { versionId: trained.versionId }, 'load:evaluate')
  say('the first version is promoted')
  await plantFailures(context, modelId, empty, trained.versionId)
  const endpointId = await openTriageEndpoint(context, trained.versionId)
  const served = await serveStage(context, endpointId, 1)
  const [, fees] = await Promise.all([
    trainAgain(context, { modelId, datanetId, epochs: size.epochs }),
    askDuringTraining(context, endpointId, size.callsEach),
  ])
  say('the second version is trained, and every call is answered')
  await api.runJob('settleEpoch', { epoch: 1 }, 'load:epoch')
  await payOut(context, 1, served.fees + fees)
  say('the epoch is settled')
  return counts
}

async function openEmptyDatanet({ as }: StoryContext, modelId: string): Promise<string> {
  const terms = { modelId: BigInt(modelId), licence: 'CC-BY-4.0', minStake: 1n }
  return (await createDatanet(as('proposer'), terms)).toString()
}

/** Requests jobs that must fail, because their input is wrong: a datanet without contributions, and a document of another kind. */
async function plantFailures({ as, api }: LoadContext, modelId: string, emptyDatanet: string, versionId: string) {
  const wrong = await upload(as('platform'), 'evidence', '{"ground": "offTopic", "statement": "These are no prompts."}')
  const training = { modelId, datanetId: emptyDatanet, ...FINE_TUNE }
  const comparison = { versionId, promptsHash: wrong, tasks: 2, domain: 'none' }
  await api.requestJob('fineTune', training, 'planted:fineTune')
  await api.requestJob('compare', comparison, 'planted:compare')
}

async function trainAgain(
  { api, say }: LoadContext,
  what: { modelId: string; datanetId: string; epochs: number },
): Promise<void> {
  const input = { ...FINE_TUNE, ...what, seed: LOAD_SEED + 1 }
  const { versionId } = await api.runJob<{ versionId: string }>('fineTune', input, 'load:fineTuneAgain')
  say('the second training has ended')
  await api.runJob('evaluate', { versionId, promote: false }, 'load:evaluateAgain')
}

/** The other calls of the consumers, several at a time. @returns their fees. */
async function askDuringTraining(context: LoadContext, endpointId: bigint, callsEach: number): Promise<bigint> {
  const customers = consumers(LOAD_SEED, callsEach)
  for (const { nth } of customers) await grantAll(context.as('consumer', nth), endpointId)
  const left = customers.flatMap((one) =>
    one.messages.slice(1).map((_, place) => ({ consumer: one, place: place + 1 })),
  )
  let fees = 0n
  await Promise.all(
    Array.from({ length: PARALLEL_ANSWERS }, async () => {
      for (let call = left.pop(); call; call = left.pop()) fees += await ask(context, endpointId, call)
    }),
  )
  return fees
}

/** Signs for all of a consumer's credit: its calls run at the same time. */
async function grantAll(client: Client, endpointId: bigint): Promise<void> {
  const { id, redeemed, balance } = await channelWith(client, endpointId)
  await grant(client, { channelId: id, ceiling: redeemed + balance })
}

async function ask(
  { api }: LoadContext,
  endpointId: bigint,
  { consumer, place }: { consumer: Consumer; place: number },
): Promise<bigint> {
  const input = {
    endpointId: endpointId.toString(),
    prompt: consumer.messages[place]?.prompt,
    maxTokens: 48,
    seed: LOAD_SEED,
    consumer: exampleAccount('consumer', consumer.nth).address,
    open: true,
  }
  const { fee } = await api.runJob<{ fee: string }>('infer', input, `load:infer:${consumer.name}:${place}`)
  return BigInt(fee)
}
