/** Rules 3 and 14 (quality, sealed): whether a sample holds a sealed item, whatever was woven into it. */

import { PPM } from './bps.ts'
import { ComparedText, sameChains } from './comparedText.ts'
import type { PromptCompletion } from './sample.ts'
import { normalForm, shingles, tokens } from './shingles.ts'

/** Default of the share of an item's 5-grams from which on a sample holds it, in ppm. */
const MAX_SEALED_OVERLAP = 500_000n

/** The same for the share of a whole item that is found in chains with gaps, weighed by token. Independent samples of one narrow task share less. */
const HELD_ITEM = 750_000n

/** The same for its prompt alone, whatever the completion is. It is shorter, so that more of it may be chance. */
const HELD_PROMPT = 850_000n

/** An item or its prompt, of which a text must not hold the share `limit`, in ppm. */
type SealedText = { text: ComparedText; weight: bigint; limit: bigint }

/** The sealed items of a mandate. A token weighs the less, the more items have it: the phrases of a task make no sample an item. */
export class SealedOverlap {
  private readonly prompts = new Set<string>()
  /** The items that contain a 5-gram, each as the set of its 5-grams. */
  private readonly gramHolders = new Map<string, ReadonlySet<string>[]>()
  private readonly texts: SealedText[] = []
  /** How many items have a token. */
  private readonly spread = new Map<string, number>()

  constructor(
    private readonly items: readonly PromptCompletion[],
    private readonly maxOverlap = MAX_SEALED_OVERLAP,
  ) {
    for (const item of items) {
      this.prompts.add(normalForm(item.prompt))
      const grams = shingles(textOf(item), 'code')
      for (const gram of grams) {
        const holders = this.gramHolders.get(gram)
        if (holders === undefined) this.gramHolders.set(gram, [grams])
        else holders.push(grams)
      }
      for (const token of new Set(proseOf(textOf(item)))) this.spread.set(token, (this.spread.get(token) ?? 0) + 1)
    }
    for (const item of items) {
      this.remember(textOf(item), HELD_ITEM)
      this.remember(item.prompt, HELD_PROMPT)
    }
  }

  /** Whether the sample holds an item or its prompt. */
  isIn(sample: PromptCompletion): boolean {
    if (this.items.length === 0) return false
    return this.prompts.has(normalForm(sample.prompt)) || this.sharesGrams(sample) || this.sharesChains(sample)
  }

  private remember(content: string, limit: bigint): void {
    const text = new ComparedText(proseOf(content))
    if (text.isLong) this.texts.push({ text, weight: this.weightOf(proseOf(content)), limit })
  }

  private sharesGrams(sample: PromptCompletion): boolean {
    const shared = new Map<ReadonlySet<string>, bigint>()
    for (const gram of shingles(textOf(sample), 'code'))
      for (const item of this.gramHolders.get(gram) ?? []) shared.set(item, (shared.get(item) ?? 0n) + 1n)
    for (const [item, count] of shared) if (count * PPM >= this.maxOverlap * BigInt(item.size)) return true
    return false
  }

  private sharesChains(sample: PromptCompletion): boolean {
    const given = new ComparedText(proseOf(textOf(sample)))
    return this.candidates(given).some(({ text, limit }) => {
      const { earlier } = sameChains(given, text)
      return text.share(earlier, (token) => this.weightOf([token])) >= limit
    })
  }

  /** The texts of which the sample has enough tokens, in any order: it can hold no other. */
  private candidates({ vocabulary }: ComparedText): SealedText[] {
    return this.texts.filter(({ text, weight, limit }) => {
      const known = text.marked.slice(1, -1).filter((token) => vocabulary.has(token))
      return this.weightOf(known) * PPM >= limit * weight
    })
  }

  /** The sum over tokens of the binary digits of: all items / those that have the token. */
  private weightOf(all: readonly string[]): bigint {
    const digits = (token: string) => 32 - Math.clz32(this.items.length / (this.spread.get(token) ?? 1))
    return BigInt(all.reduce((sum, token) => sum + digits(token), 0))
  }
}

const textOf = ({ prompt, completion }: PromptCompletion) => `${prompt}\n${completion}`

/** Symbols between and in words do not count, so that they hide nothing. */
const proseOf = (text: string) => tokens(text, 'prose')
