import { Random } from '#math/random.ts'
import { QualityIndex } from '#rules/quality.ts'
import type { Attack } from './attack.ts'
import { drawSamples } from './samples.ts'
import { weigh } from './weigh.ts'

const VICTIMS = 30

/** What boilerplate teaches by itself, in units of a good sample. */
const TAUGHT = 0.05

/** Somebody commits, before all others, the phrases with which every sample begins. Without the bound, an earlier sample of which 90 % is
 *  in a later one takes all of it. */
export const boilerplate: Attack = {
  name: 'boilerplate first',
  measure: 'share of the pay of thirty others that is lost',
  limit: 0.4,
  play(seed) {
    const random = new Random(`boilerplate/${seed}`)
    const [phrases, ...own] = drawSamples('answers', seed, VICTIMS + 1)
    if (!phrases) throw new Error('No sample was drawn.')
    const taken = { sample: phrases, influence: TAUGHT }
    const victims = own.map(({ prompt, completion }) => ({
      sample: { prompt: `${phrases.prompt} ${prompt}`, completion: `${phrases.completion} ${completion}` },
      influence: 1,
    }))
    const sum = (weights: readonly number[]) => weights.reduce((total, weight) => total + weight, 0)
    const alone = sum(weigh(victims, true, random.fork('influence')))
    const attacked = sum(weigh([taken, ...victims], true, random.fork('influence')).slice(1))
    return { before: sharedBy(phrases, victims), after: 1 - attacked / alone }
  },
}

/** The share of the victims that hold 90 % of the phrases. */
function sharedBy(phrases: Parameters<typeof JSON.stringify>[0], victims: readonly { sample: unknown }[]): number {
  const index = new QualityIndex({ minUniqueness: 0n })
  const judged = [phrases, ...victims.map(({ sample }) => sample)].map((sample, at) =>
    index.add({ id: `${at}`, committed: BigInt(at), text: JSON.stringify(sample) }),
  )
  return (
    judged.filter(({ similar }) => similar.some(({ id, held }) => id === '0' && held >= 900_000n)).length /
    victims.length
  )
}
