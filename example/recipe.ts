import type { ModelFolder } from '#model/checkFiles.ts'
import { TRIAGE } from './modelFolder.ts'
import { drawItems } from './skill/items.ts'
import { goldItems, sealItems, testItems, validationItems } from './skill/rubric.ts'

/**
 * The sizes of one run of the story. How versions are trained, judged and aligned is the policy of `triage/model.yaml`. Each value was found by experiment
 * on two cores; README.md has the measurements.
 */
export interface Recipe {
  /** Held-out items: 160 give an interval of ±8 points at 50 %; 128 are enough to separate real influence from chance. */
  items: { test: number; validation: number }
  /** The fraction of their samples that the contributors submit. */
  samples: number
  /** What is compared, and how much of it has a known right answer: the more, the clearer are the gold tasks. */
  judged: { prompts: number; gold: number }
  /** Training prompts of the alignment. */
  alignmentPrompts: number
  /** Fresh prompts on which the win rate is measured, by the validators' hidden utility; 0: it is not. */
  winRatePrompts: number
  /** Calls of each consumer before the first settlement, and between the first and the second. */
  calls: readonly [number, number]
  mandate: Pick<ModelFolder['model']['mandate'], 'targets'>
  /** Absent: the steward leaves the model to an operator. */
  policy: ModelFolder['model']['policy']
}

export type Scale = 'full' | 'small'

const { mandate, policy = {} } = TRIAGE.model
const { train, judge, align } = policy
if (!policy.score || !train || !judge || !align) throw new Error('triage/model.yaml has no policy for the whole loop.')

/** How long the oldest sample waits for its verdict, in seconds; then all that wait with it are scored. */
export const SCORED_AFTER = policy.score.afterSeconds

/** The full story, and a small one that runs within a minute: the small one has too little data to learn anything and so sets no targets, but
 *  each of its stages runs on the real system. */
export const SCALES: Record<Scale, Recipe> = {
  full: {
    items: { test: 160, validation: 128 },
    samples: 1,
    judged: { prompts: 288, gold: 96 },
    alignmentPrompts: 256,
    winRatePrompts: 200,
    calls: [5, 3],
    mandate,
    policy,
  },
  small: {
    items: { test: 16, validation: 12 },
    samples: 0.16,
    judged: { prompts: 30, gold: 10 },
    alignmentPrompts: 16,
    winRatePrompts: 0,
    calls: [1, 1],
    mandate: { targets: mandate.targets.map(({ metric }) => ({ metric, minimum: 0n, mayFall: true })) },
    policy: {
      ...policy,
      train: { ...train, samples: 5, settings: { ...train.settings, epochs: 2 } },
      judge: { ...judge, settings: { ...judge.settings, tasks: 24 } },
      align: { ...align, judged: 10, settings: { ...align.settings, steps: 2, prompts: 4, group: 2 } },
    },
  },
}

/** The messages of a stream, as prompts. */
export const promptsOf = (seed: number, stream: 'judged' | 'alignment', count: number): string[] =>
  drawItems(seed, stream, count).map(({ prompt }) => prompt)

/** The model folder as it is proposed: with the items of a seed, the sizes of a recipe, and the published prompts of the alignment. */
export function folderOfSeed(
  seed: number,
  { items, judged, ...recipe }: Recipe,
  alignmentPrompts: string,
): ModelFolder {
  const { train, judge, align, ...policy } = recipe.policy ?? {}
  return {
    ...TRIAGE,
    model: {
      ...TRIAGE.model,
      mandate: { ...mandate, ...recipe.mandate },
      policy: recipe.policy && {
        ...policy,
        ...(train && { train: { ...train, settings: { ...train.settings, seed } } }),
        ...(judge && { judge: { ...judge, settings: { ...judge.settings, seed } } }),
        ...(align && { align: { ...align, prompts: alignmentPrompts, settings: { ...align.settings, seed } } }),
      },
    },
    test: sealItems(seed, testItems(seed, items.test)),
    validation: sealItems(seed, validationItems(seed, items.validation)),
    gold: sealItems(seed, goldItems(seed, judged.prompts, judged.gold)),
    prompts: promptsOf(seed, 'judged', judged.prompts),
  }
}
