import { RequestError } from './request.ts'

/**
 * Finds stop strings in a text that arrives in pieces of any size. It returns text as soon as that text cannot become part
 * of a stop string. The first complete stop string ends the text; if several end at the same character, the longest does.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { StopFinder } from '#engine/generate/stops.ts'
 *
 * const stops = new StopFinder(['END'])
 * assert.equal(stops.push('text E'), 'text ')
 * assert.equal(stops.push('ND more'), '')
 * assert.equal(stops.stopped, 'END')
 * ```
 */
export class StopFinder {
  private held = ''
  private found: string | undefined

  constructor(private readonly stops: readonly string[]) {
    if (stops.some((stop) => stop === '')) throw new RequestError('A stop string is empty; remove it.')
  }

  /** The stop string that ended the text. */
  get stopped(): string | undefined {
    return this.found
  }

  /** The text that is now certain; empty after a stop string. */
  push(piece: string): string {
    if (this.stops.length === 0) return piece
    let certain = ''
    for (const unit of piece.split('')) {
      if (this.found !== undefined) break
      this.held += unit
      this.found = longest(this.stops.filter((stop) => this.held.endsWith(stop)))
      const kept = this.found?.length ?? this.undecided()
      certain += this.held.slice(0, this.held.length - kept)
      this.held = this.found === undefined ? this.held.slice(this.held.length - kept) : ''
    }
    return certain
  }

  /** A special token, which is no text: it ends the text when it is itself a stop string. Returns the text before it that was held back. */
  meet(special: string): string {
    if (this.found !== undefined || !this.stops.includes(special)) return ''
    this.found = special
    return this.flush()
  }

  /** The remaining text, at the end of the input. */
  flush(): string {
    const rest = this.held
    this.held = ''
    return rest
  }

  /** Length of the longest suffix of the text that is a prefix of a stop string. */
  private undecided(): number {
    for (let from = 0; from < this.held.length; from++) {
      const end = this.held.slice(from)
      if (this.stops.some((stop) => stop.startsWith(end))) return end.length
    }
    return 0
  }
}

const longest = (texts: readonly string[]): string | undefined =>
  texts.reduce<string | undefined>((best, text) => (text.length > (best?.length ?? 0) ? text : best), undefined)
