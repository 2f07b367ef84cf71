import { policyDocument } from '#schema/policy.ts'
import type { ModelFacts } from '../facts.ts'

export const PROMPTS = `0x${'1'.repeat(64)}`
export const START = new Date('2026-01-01T00:00:00Z')
export const later = (seconds: number, from = START) => new Date(from.getTime() + seconds * 1000)

/** A policy with all sections. */
export const POLICY = policyDocument.parse({
  score: { batch: 5, afterSeconds: 600 },
  train: { samples: 10, growth: 0.5, afterSeconds: 86_400, priceWei: '100' },
  judge: {
    prompts: PROMPTS,
    validators: 2,
    settings: { tasks: 4, potWei: '10', commitSeconds: 60, revealSeconds: 60 },
  },
  align: { prompts: PROMPTS, judged: 3, priceWei: '50' },
})

/** A model with a mandate and an empty datanet. */
export const factsWith = (over: Partial<ModelFacts> = {}): ModelFacts => ({
  modelId: '1',
  policy: POLICY,
  now: START,
  chainTime: START,
  operates: true,
  mandate: { deadline: later(365 * 86_400), funds: 1000n, dailyCap: 500n },
  targets: [{ metric: 'exact', minimum: 500_000n, mayFall: false }],
  datanets: [{ id: '1', unscored: null, accepted: 0, fresh: 0, trained: null }],
  versions: [],
  live: null,
  rounds: [],
  validators: 3,
  endpoints: [],
  served: [],
  jobs: [],
  ...over,
})

/** An evaluation of the one metric, in ppm. */
export const scored = (score: number) => [
  {
    metric: 'exact',
    score: BigInt(score),
    lower: BigInt(score - 50_000),
    upper: BigInt(score + 50_000),
    n: 100n,
    order: 1n,
  },
]
