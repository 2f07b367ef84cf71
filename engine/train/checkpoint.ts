import { z } from 'zod'
import { readSafetensors, SafetensorsFile, writeSafetensors } from '#engine/formats/safetensors.ts'
import type { Weights } from '#engine/formats/weights.ts'
import type { TrainingCheckpoint } from './run.ts'

const STATE = { parameters: 'parameter.', firstMoments: 'moment1.', secondMoments: 'moment2.' } as const
const GROUPS = { ...STATE, best: 'best.' } as const
type Group = keyof typeof GROUPS

const CheckpointHeader = z.object({
  step: z.number().int().min(0),
  identity: z.string().optional(),
  progress: z.object({
    epoch: z.number().int().min(0),
    used: z.number().int().min(0),
    bestLoss: z.number().nullable(),
    evaluationsWithoutGain: z.number().int().min(0),
    stopped: z.boolean(),
    plan: z.object({
      objective: z.string(),
      seed: z.number(),
      examples: z.number(),
      batchSize: z.number(),
      steps: z.number(),
    }),
  }),
  selection: z
    .object({
      judgedStep: z.number().int().min(0),
      best: z.object({ step: z.number().int().min(0), score: z.number() }).nullable(),
    })
    .optional(),
})

/** Writes a run to one safetensors file, atomically: after a crash or on a full disk the earlier checkpoint is unchanged. */
export async function writeTrainingCheckpoint(
  path: string,
  { identity, progress, state, selection }: TrainingCheckpoint,
): Promise<void> {
  const tensors: Weights = new Map()
  const add = (prefix: string, weights: Weights) => {
    for (const [name, each] of weights) tensors.set(prefix + name, each)
  }
  for (const [group, prefix] of Object.entries(STATE)) add(prefix, state[group as keyof typeof STATE])
  if (selection?.best) add(GROUPS.best, selection.best.parameters)
  const header: z.infer<typeof CheckpointHeader> = { step: state.step, identity, progress, selection }
  const training = JSON.stringify(CheckpointHeader.parse(header))
  await writeSafetensors(path, tensors, { metadata: { format: 'pt', training } })
}

export async function readTrainingCheckpoint(path: string): Promise<TrainingCheckpoint> {
  const file = await SafetensorsFile.open(path)
  const { training } = file.metadata
  await file.close()
  if (training === undefined)
    throw new Error(`${path} is not a training checkpoint: its header has no field "training".`)
  const { step, identity, progress, selection } = CheckpointHeader.parse(JSON.parse(training))
  const groups: Record<Group, Weights> = {
    parameters: new Map(),
    firstMoments: new Map(),
    secondMoments: new Map(),
    best: new Map(),
  }
  for (const [name, each] of await readSafetensors(path)) {
    const group = (Object.keys(GROUPS) as Group[]).find((candidate) => name.startsWith(GROUPS[candidate]))
    if (!group) throw new Error(`${path} contains ${name}, which is not part of a training checkpoint.`)
    groups[group].set(name.slice(GROUPS[group].length), each)
  }
  const { best: parameters, ...state } = groups
  return {
    identity,
    progress,
    state: { step, ...state },
    ...(selection && { selection: { ...selection, best: selection.best && { ...selection.best, parameters } } }),
  }
}
