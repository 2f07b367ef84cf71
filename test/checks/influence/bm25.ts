/**
 * BM25 (Robertson & Walker, 1994; with the never negative inverse document frequency of Lucene): which documents share
 * the query's rare words. The plain baseline that attribution must beat. Terms are token ids or words.
 */
export class Bm25<Term extends number | string> {
  private readonly postings = new Map<Term, { documents: number[]; counts: number[] }>()
  private readonly lengths: number[] = []
  private readonly meanLength: number

  constructor(
    documents: Iterable<Iterable<Term>>,
    private readonly options: { k1?: number; b?: number } = {},
  ) {
    for (const document of documents) {
      const counts = new Map<Term, number>()
      let length = 0
      for (const term of document) {
        counts.set(term, (counts.get(term) ?? 0) + 1)
        length++
      }
      for (const [term, count] of counts) {
        const posting = this.postings.get(term) ?? { documents: [], counts: [] }
        posting.documents.push(this.lengths.length)
        posting.counts.push(count)
        this.postings.set(term, posting)
      }
      this.lengths.push(length)
    }
    this.meanLength = this.lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, this.lengths.length)
  }

  /** A score for every document, by position; a term counts as often as the query repeats it. */
  scores(query: Iterable<Term>): Float64Array {
    const { k1 = 1.2, b = 0.75 } = this.options
    const scores = new Float64Array(this.lengths.length)
    for (const term of query) {
      const posting = this.postings.get(term)
      if (!posting) continue
      const holders = posting.documents.length
      const rarity = Math.log(1 + (this.lengths.length - holders + 0.5) / (holders + 0.5))
      for (let i = 0; i < holders; i++) {
        const document = posting.documents[i]
        const count = posting.counts[i]
        const norm = k1 * (1 - b + (b * this.lengths[document]) / this.meanLength)
        scores[document] += (rarity * count * (k1 + 1)) / (count + norm)
      }
    }
    return scores
  }
}
