import type { Random } from '#math/random.ts'

/** The value of a template's `{name}`: a text, or texts from which one is drawn. */
export type Slots = Record<string, string | readonly string[]>

/**
 * Expands a template: of `(a|b|c)` one choice is drawn with equal probability (an empty choice is allowed, choices may be nested), and
 * `{name}` is filled from the slots. Several spaces become one; a space before punctuation is removed.
 * @throws Error for an unknown slot or an unclosed bracket.
 */
export function expandTemplate(template: string, random: Random, slots: Slots = {}): string {
  let at = 0
  const fail = (what: string) => new Error(`The template "${template}" ${what} at ${at}.`)

  const sequence = (nested: boolean): string => {
    const choices: string[] = []
    let text = ''
    while (at < template.length) {
      const char = template[at]
      if (char === '(') {
        at++
        text += sequence(true)
      } else if (nested && char === '|') {
        choices.push(text)
        text = ''
        at++
      } else if (nested && char === ')') {
        at++
        return random.choice([...choices, text])
      } else if (char === '{') {
        const end = template.indexOf('}', at)
        if (end < 0) throw fail('has an unclosed slot')
        const slot = slots[template.slice(at + 1, end)]
        if (slot === undefined) throw fail(`names the unknown slot ${template.slice(at, end + 1)}`)
        text += typeof slot === 'string' ? slot : random.choice(slot)
        at = end + 1
      } else {
        text += char
        at++
      }
    }
    if (nested) throw fail('has an unclosed bracket')
    return text
  }

  const text = sequence(false)
  return text
    .replace(/\s+/g, ' ')
    .replace(/ ([.,!?;:])/g, '$1')
    .trim()
}

/** Draws one of `items`, each with the probability of its weight. */
export function weightedChoice<T>(random: Random, items: readonly T[], weights: readonly number[]): T {
  const drawn = items[random.weighted(weights)]
  if (drawn === undefined) throw new Error(`${weights.length} weights do not fit ${items.length} items.`)
  return drawn
}

/** The text with its first letter in upper case. */
export const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
