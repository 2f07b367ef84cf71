import { expect, test } from 'vitest'
import { contributors } from '#example/contributors.ts'
import { testItems, validationItems } from '#example/skill/rubric.ts'
import { Random } from '#math/random.ts'
import { fillers } from '#test/checks/attacks/copies/fillers.ts'
import { homoglyphs } from '#test/checks/attacks/copies/homoglyphs.ts'
import { joined } from '#test/checks/attacks/copies/joined.ts'
import { noiseAround } from '#test/checks/attacks/copies/noise.ts'
import { operators } from '#test/checks/attacks/copies/operators.ts'
import type { Disguise } from '#test/checks/attacks/disguise.ts'
import { drawSamples, SAMPLE_KINDS } from '#test/checks/attacks/samples.ts'
import { must } from '#test/must.ts'
import { SealedOverlap } from './sealedOverlap.ts'

const ITEMS = 128

/** Of `ITEMS` sealed items, those that are found in disguised copies. `ofPrompt`: only the prompt is copied. */
function found(kind: (typeof SAMPLE_KINDS)[number], disguise: Disguise, ofPrompt = false): number {
  const drawn = drawSamples(kind, 3, ITEMS + 200)
  const [items, others] = [drawn.slice(0, ITEMS), drawn.slice(ITEMS)]
  const sealed = new SealedOverlap(items)
  const random = new Random('disguise')
  return items.filter((item, nth) => {
    const copy = disguise(item, { nth, random, others })
    return sealed.isIn(ofPrompt ? { ...copy, completion: must(others[nth]).completion } : copy)
  }).length
}

test.each(SAMPLE_KINDS)('no filler, noise or look-alike hides a sealed item (%s)', (kind) => {
  for (const disguises of [fillers, homoglyphs, operators, noiseAround, joined])
    for (const [name, disguise] of Object.entries(disguises))
      expect(found(kind, disguise), name).toBeGreaterThanOrEqual(ITEMS - 1)
})

test('a sealed prompt with another completion is found under fillers, too', () => {
  for (const kind of ['prose', 'answers', 'phrases'] as const)
    for (const [name, disguise] of Object.entries(fillers))
      expect(found(kind, disguise, true), `${kind}, ${name}`).toBeGreaterThan(0.85 * ITEMS)
})

test('honest samples of the same task are seldom refused', () => {
  for (const seed of [1, 2, 7]) {
    const sealed = new SealedOverlap([...testItems(seed), ...validationItems(seed)])
    const honest = contributors(seed, testItems(seed)).filter((one) => one.behaviour !== 'adversarial')
    const samples = honest.flatMap((one) => one.samples)
    expect(samples.filter((sample) => sealed.isIn(sample)).length).toBeLessThan(0.01 * samples.length)
  }
  for (const kind of SAMPLE_KINDS) {
    const drawn = drawSamples(kind, 3, ITEMS + 400)
    const sealed = new SealedOverlap(drawn.slice(0, ITEMS))
    expect(drawn.slice(ITEMS).filter((sample) => sealed.isIn(sample)).length, kind).toBeLessThan(0.03 * 400)
  }
})
