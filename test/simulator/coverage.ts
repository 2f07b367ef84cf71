/** What happened in one or many simulations: how often each event occurred, and the depths of the forks that the indexer saw. */
export class Coverage {
  readonly counts = new Map<string, number>()
  readonly depths = new Map<number, number>()

  count(what: string, times = 1) {
    this.counts.set(what, (this.counts.get(what) ?? 0) + times)
  }

  forkSeen(depth: number) {
    this.count('forks seen')
    this.depths.set(depth, (this.depths.get(depth) ?? 0) + 1)
  }

  add(other: Coverage) {
    for (const [what, times] of other.counts) this.count(what, times)
    for (const [depth, times] of other.depths) this.depths.set(depth, (this.depths.get(depth) ?? 0) + times)
  }

  /** The `kinds` that never occurred. */
  missing(kinds: readonly string[]): string[] {
    return kinds.filter((kind) => !this.counts.get(kind))
  }

  toString(): string {
    const counts = [...this.counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([what, times]) => `${what} ${times}`)
    const depths = [...this.depths].sort(([a], [b]) => a - b).map(([depth, times]) => `${depth}×${times}`)
    return `${counts.join(', ')}; depths of the forks seen (depth×times): ${depths.join(' ') || 'none'}`
  }
}
