import { Random } from '#math/random.ts'
import type { TextPair } from './encode.ts'
import type { PreferenceInput } from './rewardModel.ts'
import type { RubricMetric } from './rubric.ts'

/** Samples that are tried to find another value of a field. */
const TRIES = 32

/**
 * Preferences that follow from right answers: each answer is better than the same answer with one field, among those that a metric
 * compares, from another sample. They teach a reward model what the fields are worth. Judges compare answers that differ in other things,
 * too; from few such pairs a reward model also learns to prefer the fields that stand in the better ones by chance.
 */
export const fieldPairs = (
  samples: readonly TextPair[],
  metrics: readonly RubricMetric[],
  seed: number,
): PreferenceInput[] =>
  metrics.flatMap(({ name, kind, separator, fields }) => {
    if (kind !== 'fields' || !separator) return []
    const answers = samples.map(({ completion }) => completion.split(separator))
    return samples.flatMap(({ prompt, completion }, index): PreferenceInput[] => {
      const random = new Random(`${seed}/fields/${name}/${index}`)
      const answer = answers[index] ?? []
      const compared = (fields ?? [...answer.keys()]).filter((field) => field in answer)
      if (compared.length === 0) return []
      const field = random.choice(compared)
      for (let tried = 0; tried < TRIES; tried++) {
        const other = random.choice(answers)[field]
        if (other !== undefined && other.trim() !== answer[field]?.trim())
          return [{ prompt, chosen: completion, rejected: answer.with(field, other).join(separator) }]
      }
      return []
    })
  })
