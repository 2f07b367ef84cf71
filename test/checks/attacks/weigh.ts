import type { Random } from '#math/random.ts'
import { addedInfluences } from '#rules/addedInfluence.ts'
import { attributionWeights, type RecordedInfluence, recordInfluence } from '#rules/attribution.ts'
import { type Assessment, QualityIndex, type QualityOptions } from '#rules/quality.ts'
import type { PromptCompletion } from '#rules/sample.ts'

const VALIDATION_ITEMS = 100

/** The influence of a good sample, and its standard error. */
const INFLUENCE = 0.3
const ERROR = 0.04

/** A sample in an attack. `influence` is in units of a good sample's. */
export type PlayedSample = { sample: PromptCompletion; influence: number }

/** The weights that the rules give to samples committed in this order. Without the rule, only the same bytes are refused. */
export function weigh(played: readonly PlayedSample[], rule: boolean, random: Random): number[] {
  const options: QualityOptions = rule ? {} : { comparison: 'exact' }
  const index = new QualityIndex(options)
  const judged = played.map(({ sample }, at) =>
    index.add({ id: `${at}`, committed: BigInt(at), text: JSON.stringify(sample) }),
  )
  const measured = played.flatMap(({ influence }, at) => {
    const assessment = judged[at]
    if (assessment?.verdict !== 'accepted') return []
    const mean = INFLUENCE * influence + random.normal(0, ERROR / 4)
    return [
      {
        ...recordInfluence({ contributionId: `${at}`, influence: mean, standardError: ERROR }, VALIDATION_ITEMS),
        ...assessment,
      },
    ]
  })
  const added = addedInfluences(measured, VALIDATION_ITEMS)
  const { weights } = attributionWeights(measured.map((one, at) => weighed(one, added[at])))
  const byId = new Map(weights.map(({ contributionId, weight }) => [contributionId, Number(weight)]))
  return played.map((_, at) => byId.get(`${at}`) ?? 0)
}

const weighed = (one: RecordedInfluence & Assessment, added?: RecordedInfluence) => ({ ...one, added })
