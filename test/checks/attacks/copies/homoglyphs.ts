import { both, type Disguise } from '../disguise.ts'

const LOOK_ALIKE: Record<string, string> = {
  a: 'а',
  e: 'е',
  o: 'о',
  p: 'р',
  c: 'с',
  x: 'х',
  i: 'і',
  s: 'ѕ',
  k: 'к',
  t: 'т',
}

/** Letters of other scripts that look the same, and characters that nobody sees. */
export const homoglyphs: Record<string, Disguise> = {
  Cyrillic: (original, { random }) =>
    both(original, (text) => [...text].map((one) => (random.chance(0.5) ? (LOOK_ALIKE[one] ?? one) : one)).join('')),
  'full width': (original, { random }) =>
    both(original, (text) =>
      text.replace(/[a-z]/g, (one) => (random.chance(0.5) ? String.fromCharCode(one.charCodeAt(0) + 0xfee0) : one)),
    ),
  invisible: (original, { random }) =>
    both(original, (text) =>
      text.replace(/(?<=\p{L})(?=\p{L})/gu, () => random.choice(['\u200b', '\u00ad', '\u0301', ''])),
    ),
}
