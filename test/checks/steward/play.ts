import { setTimeout as sleep } from 'node:timers/promises'
import { keccak256, stringToBytes } from 'viem'
import { type Recipe, SCALES } from '#example/recipe.ts'
import { drawItems } from '#example/skill/items.ts'
import { goldItems, sealItems } from '#example/skill/rubric.ts'
import { alignStage } from '#example/story/align.ts'
import type { StageResult, StoryContext } from '#example/story/context.ts'
import { gatherStage } from '#example/story/gather.ts'
import { judgeStage, uploadPrompts } from '#example/story/judge.ts'
import { proposeStage } from '#example/story/propose.ts'
import { settleStage } from '#example/story/reward.ts'
import { openTriageEndpoint, serveStage } from '#example/story/serve.ts'
import { VALIDATORS } from '#example/validators.ts'
import { documentBytes } from '#schema/documents.ts'
import { type Policy, policyDocument } from '#schema/policy.ts'

/** The example's people act; everything that its operator requests otherwise is left to the steward. */

export const STEWARD_SEED = 7
export const RECIPE: Recipe = SCALES.small
const POLL_MS = 100
/** Fewer are accepted of what the small scale submits. */
const FIRST_SAMPLES = 40
/** How long the oldest contribution waits for its verdict; then all that wait with it are scored. */
export const SCORED_AFTER = 600

const promptsOf = (stream: 'judged' | 'alignment', count: number) =>
  drawItems(STEWARD_SEED, stream, count).map(({ prompt }) => prompt)
const goldPool = () =>
  documentBytes(sealItems(STEWARD_SEED, goldItems(STEWARD_SEED, RECIPE.compare.prompts, RECIPE.compare.gold)).document)
const nameOfPrompts = (prompts: string[]) => keccak256(stringToBytes(JSON.stringify({ prompts })))

/** What the example's operator does by hand, as a policy. */
export function policyOfExample(): Policy {
  const { domain, tasks, goldPercent, temperature, prompts } = RECIPE.compare
  const { promptPool, ...alignment } = RECIPE.rlhf
  return policyDocument.parse({
    score: { batch: 1000, afterSeconds: SCORED_AFTER },
    train: {
      samples: FIRST_SAMPLES,
      growth: 1000,
      afterSeconds: 3000,
      settings: { ...RECIPE.fineTune, seed: STEWARD_SEED },
    },
    judge: {
      prompts: nameOfPrompts(promptsOf('judged', prompts)),
      validators: VALIDATORS.length,
      settings: {
        ...{ domain, tasks, goldPercent, temperature, goldPool: keccak256(goldPool()), seats: VALIDATORS.length },
        ...{ commitSeconds: 3600, revealSeconds: 3600, seed: STEWARD_SEED },
      },
    },
    align: {
      prompts: nameOfPrompts(promptsOf('alignment', promptPool)),
      judged: 10,
      settings: { ...alignment, seed: STEWARD_SEED },
    },
  })
}

/** Publishes what the policy names. */
export async function publishPrompts(context: StoryContext): Promise<void> {
  await uploadPrompts(context, promptsOf('judged', RECIPE.compare.prompts))
  await uploadPrompts(context, promptsOf('alignment', RECIPE.rlhf.promptPool))
  await context.store.put(goldPool())
}

export interface PlayedLoop {
  modelId: string
  datanetId: string
  endpointId: string
  stages: StageResult[]
}

/** From the proposal to the claimed rewards of the first epoch. */
export async function playPeople(context: StoryContext, passTime: () => Promise<void>): Promise<PlayedLoop> {
  const { api, say } = context
  const until = async (what: string, document: string, variables: object, holds: (answer: never) => boolean) => {
    while (!holds((await api.query(document, { ...variables })) as never)) {
      await passTime()
      await sleep(POLL_MS)
    }
    say(what)
  }
  const { modelId, stages } = await proposeStage(context)
  const { datanetId } = await gatherStage(context, modelId)
  const live = 'query ($id: ID!) { model(id: $id) { liveVersionId } }'
  type Live = { model: { liveVersionId: string | null } }
  await until('a version is live', live, { id: modelId }, ({ model }: Live) => model.liveVersionId !== null)
  const first = (await api.query<Live>(live, { id: modelId })).model.liveVersionId ?? ''
  const endpointId = await openTriageEndpoint(context, first)
  stages.push(await judgeStage(context, first))
  const aligned = await alignStage(context, first)
  const served = 'query ($id: ID!) { endpoint(id: $id) { versionId } }'
  type Served = { endpoint: { versionId: string } }
  const follows = ({ endpoint }: Served) => endpoint.versionId === aligned.versionId
  await until('the endpoint serves the aligned version', served, { id: endpointId }, follows)
  const calls = await serveStage(context, endpointId, 1)
  const { stage } = await settleStage(context, 1, calls.fees)
  stages.push(...aligned.stages, calls.stage, stage)
  return { modelId, datanetId, endpointId, stages }
}
