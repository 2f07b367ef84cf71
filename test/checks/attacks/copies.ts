import { Random } from '#math/random.ts'
import { elementAt } from '#rules/lookup.ts'
import type { PromptCompletion } from '#rules/sample.ts'
import type { Attack } from './attack.ts'
import { fillers } from './copies/fillers.ts'
import { homoglyphs } from './copies/homoglyphs.ts'
import { joined } from './copies/joined.ts'
import { noiseAround } from './copies/noise.ts'
import { operators } from './copies/operators.ts'
import { paddedOwn, paddedParts } from './copies/padded.ts'
import { reordered } from './copies/reordered.ts'
import { replaced } from './copies/replaced.ts'
import { split } from './copies/split.ts'
import type { Disguise } from './disguise.ts'
import { drawSamples, SAMPLE_KINDS, type SampleKind } from './samples.ts'
import { weigh } from './weigh.ts'

/** Attacks that make many samples out of one that somebody else committed earlier. */
const COPY_ATTACKS: Record<string, Record<string, Disguise>> = {
  'same bytes': { '': (original) => original },
  fillers,
  operators,
  homoglyphs,
  noise: noiseAround,
  reordered,
  joined,
  split,
  'replaced words': replaced,
}

/** What the rule does not stop: beyond a third of other words, a text is another text. */
const NOT_STOPPED = new Set([
  'replaced words: every 3rd word',
  'replaced words: every 3rd word by a new one',
  'replaced words: every 2nd word',
])

const COPIES = 19
const OTHERS = 40
/**
 * What an original and 19 copies of it earn together, in units of what it earns alone. Each copy is supposed to be as useful as the original,
 * whatever the disguise did to it: the worst case for the rule. Without `clean`, the original itself is never given: the copies are its author's.
 */
function playCopies(
  kind: SampleKind,
  disguise: Disguise,
  seed: number,
  { clean = true } = {},
): { before: number; after: number } {
  const random = new Random(`copies/${kind}/${seed}`)
  const [original, ...others] = drawSamples(kind, seed, OTHERS + 1)
  if (!original) throw new Error('No sample was drawn.')
  const copies = Array.from({ length: COPIES }, (_, nth) => disguise(original, { nth, random, others }))
  const asPlayed = (samples: readonly PromptCompletion[]) => samples.map((sample) => ({ sample, influence: 1 }))
  const earned = (rule: boolean) => {
    const given = [...others, ...(clean ? [original] : []), ...copies]
    const weights = weigh(asPlayed(given), rule, new Random(`influence/${seed}`))
    const alone = weigh(asPlayed([...others, original]), rule, new Random(`influence/${seed}`))[OTHERS] ?? 0
    const together = weights.slice(OTHERS).reduce((sum, weight) => sum + weight, 0)
    return alone === 0 ? 1 : together / alone
  }
  return { before: earned(false), after: earned(true) }
}

/** Each seed plays one kind of samples, so that four seeds in a row play all. */
export const copyAttacks: Attack[] = Object.entries(COPY_ATTACKS).flatMap(([attack, disguises]) =>
  Object.entries(disguises).map(([variant, disguise]) => {
    const name = variant === '' ? attack : `${attack}: ${variant}`
    return {
      name,
      measure: 'twenty copies earn together, in units of one',
      limit: NOT_STOPPED.has(name) ? undefined : 1.1,
      play: (seed) => playCopies(elementAt(SAMPLE_KINDS, seed % SAMPLE_KINDS.length), disguise, seed),
    }
  }),
)

/** What the rule does not stop, either: noise is part of the earlier sample, of which a later one then holds too little to count as its copy. */
export const paddedAttacks: Attack[] = [
  ...Object.entries(paddedParts).map(([name, disguise]) => ({ name: `padded parts: ${name}`, disguise, clean: true })),
  ...Object.entries(paddedOwn).map(([name, disguise]) => ({
    name: `own text, padded: ${name}`,
    disguise,
    clean: false,
  })),
].map(({ name, disguise, clean }) => ({
  name,
  measure: clean ? 'twenty copies earn together, in units of one' : 'nineteen paddings earn together, in units of one',
  play: (seed) => playCopies(elementAt(SAMPLE_KINDS, seed % SAMPLE_KINDS.length), disguise, seed, { clean }),
}))
