import { both, type Disguise, wordsOf } from '../disguise.ts'

/** Symbols between and inside words. */
export const operators: Record<string, Disguise> = {
  'between words': (original, { random }) =>
    both(original, (text) =>
      wordsOf(text)
        .flatMap((one) => [one, random.choice(['+', '~', '+~', '~+', '= '])])
        .join(' '),
    ),
  'inside words': (original, { random }) =>
    both(original, (text) => text.replace(/(?<=\p{L}{2})(?=\p{L})/gu, () => random.choice(['~', '+', '']))),
}
