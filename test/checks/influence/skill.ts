import type { TextPair } from '#engine/tasks/encode.ts'
import { toExamples } from '#engine/tasks/fineTune.ts'
import { type BaseModel, loadBase } from '#engine/tasks/models.ts'
import type { SupervisedExample } from '#engine/train/supervised.ts'
import { drawItems, type ItemStream } from '#example/skill/items.ts'
import { CATEGORIES } from '#example/skill/triage.ts'
import { Random } from '#math/random.ts'

export const BASE_FOLDER = 'example/base/model'
/** The fraction of flipped labels. */
const FLIPPED = 0.2

/** Messages of the support desk, each labelled with one of six categories. */
export interface Labelled {
  pairs: TextPair[]
  rows: SupervisedExample[]
  /** Whether the label of each message is right. */
  right: boolean[]
}

export const base = (): Promise<BaseModel> => loadBase(BASE_FOLDER)

/** `count` messages of a stream, starting at `from`. With `flip`, a fifth of them get a wrong category. */
export async function labelled(
  seed: number,
  stream: ItemStream,
  { from = 0, count, flip = false }: { from?: number; count: number; flip?: boolean },
): Promise<Labelled> {
  const random = new Random(`labels/${seed}/${stream}/${from}`)
  const flipped = new Set(flip ? random.permutation(count).slice(0, Math.round(FLIPPED * count)) : [])
  const pairs = drawItems(seed, stream, from + count)
    .slice(from)
    .map(({ prompt, truth }, index) => {
      const completion = flipped.has(index)
        ? random.choice(CATEGORIES.filter((category) => category !== truth.category))
        : truth.category
      return { prompt, completion }
    })
  return { pairs, rows: toExamples(await base(), pairs), right: pairs.map((_, index) => !flipped.has(index)) }
}
