/**
 * BM25 (Robertson & Walker, 1994; with Lucene's inverse document frequency, which is never negative): scores documents by the rare words
 * that they share with the query. The simple baseline that attribution must beat. Terms are token ids or words.
 */
export class Bm25<Term extends number | string> {
  /** For each term, the documents that contain it and how often. */
  private readonly postings = new Map<Term, { document: number; count: number }[]>()
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
        const posting = this.postings.get(term) ?? []
        posting.push({ document: this.lengths.length, count })
        this.postings.set(term, posting)
      }
      this.lengths.push(length)
    }
    this.meanLength = this.lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, this.lengths.length)
  }

  /** The score of each document, by index; a term counts as often as it occurs in the query. */
  scores(query: Iterable<Term>): Float64Array {
    const { k1 = 1.2, b = 0.75 } = this.options
    const scores = new Float64Array(this.lengths.length)
    for (const term of query) {
      const posting = this.postings.get(term)
      if (!posting) continue
      const rarity = Math.log(1 + (this.lengths.length - posting.length + 0.5) / (posting.length + 0.5))
      for (const { document, count } of posting) {
        const norm = k1 * (1 - b + (b * (this.lengths[document] ?? 0)) / this.meanLength)
        scores[document] = (scores[document] ?? 0) + (rarity * count * (k1 + 1)) / (count + norm)
      }
    }
    return scores
  }
}
