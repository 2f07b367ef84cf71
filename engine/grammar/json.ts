import { byteRange, call, choice, type Fragment, literalText, type Nfa, optional, repeat, sequence } from './nfa.ts'

/**
 * The terminals of JSON (RFC 8259) as rules over bytes: compact JSON, with at most one space after a colon or a comma.
 * Numbers are limited so that each is finite and each integer is exact in a double.
 */
export class JsonTerminals {
  readonly number: number
  readonly integer: number
  /** The rule of any JSON value; built on first use. */
  private anything: number | undefined
  private readonly character: number

  constructor(private readonly nfa: Nfa) {
    this.character = nfa.rule(character)
    this.integer = nfa.rule(integerOf(15))
    const exponent = sequence(
      choice(literalText('e'), literalText('E')),
      optional(choice(literalText('+'), literalText('-'))),
      repeat(digit, 1, 2),
    )
    this.number = nfa.rule(
      sequence(integerOf(15), optional(sequence(literalText('.'), repeat(digit, 1, 15))), optional(exponent)),
    )
  }

  /** A string with this number of characters (code points). */
  string(min = 0, max?: number): Fragment {
    return sequence(literalText('"'), repeat(call(this.character), min, max), literalText('"'))
  }

  get any(): number {
    if (this.anything !== undefined) return this.anything
    const any = (this.anything = this.nfa.rule())
    const value = choice(
      this.string(),
      call(this.number),
      ...['true', 'false', 'null'].map(literalText),
      delimitedList('[', call(any), ']', 0),
      this.anyObject,
    )
    this.nfa.fill(any, value)
    return any
  }

  get anyObject(): Fragment {
    return delimitedList('{', sequence(this.string(), colon, call(this.any)), '}', 0)
  }
}

export const colon: Fragment = sequence(literalText(':'), optional(literalText(' ')))
export const comma: Fragment = sequence(literalText(','), optional(literalText(' ')))

/** From `min` to `max` items between brackets, separated by commas. */
export function delimitedList(
  open: string,
  item: Fragment,
  close: string,
  min: number,
  max = Number.POSITIVE_INFINITY,
): Fragment {
  if (max === 0) return literalText(open + close)
  const some = sequence(item, repeat(sequence(comma, item), Math.max(0, min - 1), max - 1))
  return sequence(literalText(open), min === 0 ? optional(some) : some, literalText(close))
}

const digit = byteRange(0x30, 0x39)

/** An integer with at most this number of digits. */
const integerOf = (digits: number): Fragment =>
  sequence(
    optional(literalText('-')),
    choice(literalText('0'), sequence(byteRange(0x31, 0x39), repeat(digit, 0, digits - 1))),
  )

const continuation = byteRange(0x80, 0xbf)
const hex = choice(digit, byteRange(0x41, 0x46), byteRange(0x61, 0x66))

/** One character of a string: well-formed UTF-8 (Unicode 15, table 3-7), or an escape that is not a surrogate. */
const character: Fragment = choice(
  byteRange(0x20, 0x21),
  byteRange(0x23, 0x5b),
  byteRange(0x5d, 0x7f),
  sequence(byteRange(0xc2, 0xdf), continuation),
  sequence(byteRange(0xe0), byteRange(0xa0, 0xbf), continuation),
  sequence(choice(byteRange(0xe1, 0xec), byteRange(0xee, 0xef)), continuation, continuation),
  sequence(byteRange(0xed), byteRange(0x80, 0x9f), continuation),
  sequence(byteRange(0xf0), byteRange(0x90, 0xbf), continuation, continuation),
  sequence(byteRange(0xf1, 0xf3), continuation, continuation, continuation),
  sequence(byteRange(0xf4), byteRange(0x80, 0x8f), continuation, continuation),
  sequence(literalText('\\'), choice(...Array.from('"\\/bfnrt', literalText))),
  sequence(
    literalText('\\u'),
    choice(digit, byteRange(0x41, 0x43), byteRange(0x45, 0x46), byteRange(0x61, 0x63), byteRange(0x65, 0x66)),
    hex,
    hex,
    hex,
  ),
  sequence(literalText('\\u'), choice(literalText('d'), literalText('D')), byteRange(0x30, 0x37), hex, hex),
)
