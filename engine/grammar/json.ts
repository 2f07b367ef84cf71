import { byte, call, choice, type Nfa, optional, type Part, repeat, sequence, text } from './nfa.ts'

/**
 * The terminals of JSON (RFC 8259) as rules over bytes, in the compact form with at most one space after a colon or a
 * comma. Numbers are bounded, so that every one is finite and every integer exact in a double.
 */
export class JsonTerminals {
  readonly number: number
  readonly integer: number
  /** Any value at all. */
  private anything: number | undefined
  private readonly character: number

  constructor(private readonly nfa: Nfa) {
    this.character = nfa.rule(character)
    this.integer = nfa.rule(integerOf(15))
    const exponent = sequence(choice(text('e'), text('E')), optional(choice(text('+'), text('-'))), repeat(digit, 1, 2))
    this.number = nfa.rule(
      sequence(integerOf(15), optional(sequence(text('.'), repeat(digit, 1, 15))), optional(exponent)),
    )
  }

  /** A string of so many characters (code points). */
  string(min = 0, max?: number): Part {
    return sequence(text('"'), repeat(call(this.character), min, max), text('"'))
  }

  get any(): number {
    if (this.anything !== undefined) return this.anything
    const any = (this.anything = this.nfa.rule())
    const member = sequence(this.string(), colon, call(any))
    const value = choice(
      this.string(),
      call(this.number),
      ...['true', 'false', 'null'].map(text),
      list('[', call(any), ']', 0),
      list('{', member, '}', 0),
    )
    this.nfa.fill(any, value)
    return any
  }
}

export const colon: Part = sequence(text(':'), optional(text(' ')))
export const comma: Part = sequence(text(','), optional(text(' ')))

/** `item`s with commas between brackets, from `min` to `max` of them. */
export function list(open: string, item: Part, close: string, min: number, max = Number.POSITIVE_INFINITY): Part {
  if (max === 0) return text(open + close)
  const some = sequence(item, repeat(sequence(comma, item), Math.max(0, min - 1), max - 1))
  return sequence(text(open), min === 0 ? optional(some) : some, text(close))
}

const digit = byte(0x30, 0x39)

/** No more digits than a double holds exactly. */
const integerOf = (digits: number): Part =>
  sequence(optional(text('-')), choice(text('0'), sequence(byte(0x31, 0x39), repeat(digit, 0, digits - 1))))

const tail = byte(0x80, 0xbf)
const hex = choice(digit, byte(0x41, 0x46), byte(0x61, 0x66))

/** One character of a string: well-formed UTF-8 (Unicode 15, table 3-7) or an escape that is no half of a pair. */
const character: Part = choice(
  byte(0x20, 0x21),
  byte(0x23, 0x5b),
  byte(0x5d, 0x7f),
  sequence(byte(0xc2, 0xdf), tail),
  sequence(byte(0xe0), byte(0xa0, 0xbf), tail),
  sequence(choice(byte(0xe1, 0xec), byte(0xee, 0xef)), tail, tail),
  sequence(byte(0xed), byte(0x80, 0x9f), tail),
  sequence(byte(0xf0), byte(0x90, 0xbf), tail, tail),
  sequence(byte(0xf1, 0xf3), tail, tail, tail),
  sequence(byte(0xf4), byte(0x80, 0x8f), tail, tail),
  sequence(text('\\'), choice(...Array.from('"\\/bfnrt', text))),
  sequence(
    text('\\u'),
    choice(digit, byte(0x41, 0x43), byte(0x45, 0x46), byte(0x61, 0x63), byte(0x65, 0x66)),
    hex,
    hex,
    hex,
  ),
  sequence(text('\\u'), choice(text('d'), text('D')), byte(0x30, 0x37), hex, hex),
)
