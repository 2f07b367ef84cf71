import { stringify } from 'yaml'
import { FORMAT_VERSION, type Scorers } from './format.ts'
import { FILES } from './readFolder.ts'
import type { Template } from './templates.ts'

interface ModelTextInput {
  name: string
  template: Template
  completionPattern: string
  licence: string
  /** Relative to the folder. */
  base: string
  baseLicence: string
  maxPromptLength: number
  /** How many samples the folder has: the first training needs no more than these. */
  seedData: number
  now: Date
}

/** What the steward does for a model without being asked, as its mandate says: without a policy, nothing is scored or trained. */
const policyFor = (seedData: number) => ({
  score: { batch: 1000, afterSeconds: 60 },
  train: {
    ...{ samples: Math.min(100, seedData), growth: 0.5 },
    settings: { rank: 16, alpha: 32, epochs: 8, learningRate: 0.004 },
  },
})

const HEAD = `# A model folder. Check it with \`modelcommons model check\`; \`modelcommons model format\` describes every key.\n`

/** A new \`model.yaml\`. */
export function modelText({
  name,
  template,
  completionPattern,
  licence,
  base,
  baseLicence,
  maxPromptLength,
  seedData,
  now,
}: ModelTextInput): string {
  const { purpose, integration, description, topic, targets } = template
  return `${HEAD}${stringify(
    {
      format: FORMAT_VERSION,
      ...{ name, purpose, licence, integration },
      base: { folder: base, licence: baseLicence },
      samples: { description, completionPattern, topic, maxPromptLength, comparison: 'prose', minStake: 0.01 },
      mandate: {
        ...{ budget: 0, deadline: `${now.getUTCFullYear() + 1}-12-31`, targets },
        split: {
          ...{ platform: 500, owner: 1500, stakers: 1000, data: 4500, validators: 1500, host: 1500 },
          ...{ ancestors: 1000, dataByWeight: 5000 },
        },
      },
      serving: { priceIn: 0.001, priceOut: 0.002 },
      policy: policyFor(seedData),
    },
    { lineWidth: 120 },
  )}`
}

/** A new \`rubric/scorers.yaml\`. */
export const scorersText = (metrics: Scorers['metrics'], maxTokens: number): string =>
  `# How an answer is scored; the items are in ${FILES.items}.\n${stringify({ maxTokens, metrics }, { lineWidth: 120 })}`
