/**
 * Finds stop strings in a text that arrives in pieces, however it is cut. Of what it has seen it gives out all that can
 * no longer become part of a stop string. The stop string that is complete first ends the text; of several that end at
 * the same character, the longest.
 */
export class StopFinder {
  private held = ''
  private found: string | undefined

  constructor(private readonly stops: readonly string[]) {
    if (stops.some((stop) => stop === '')) throw new Error('A stop string is empty; leave it out.')
  }

  /** The stop string that ended the text. */
  get stopped(): string | undefined {
    return this.found
  }

  /** The text that is now certain; after a stop string, none. */
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

  /** The rest, once no more text comes. */
  flush(): string {
    const rest = this.held
    this.held = ''
    return rest
  }

  /** Length of the longest end of the text that a stop string begins with. */
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
