/** Characters within which PostgreSQL's parser sees one token (addresses, paths, tags, versions, numbers); for a search they separate words. */
const SEPARATORS = './:@_-+~&=?#%<>;'

/** The longest part of a text that is searched, in characters: a longer one could exceed what a `tsvector` may have. */
export const MAX_SEARCHED = 100_000

/** SQL: the words of a text column, in no language, for an index and for the conditions that use it. */
export const searchVector = (column: string) =>
  `to_tsvector('simple', translate(left(${column}, ${MAX_SEARCHED}), '${SEPARATORS}', '${' '.repeat(SEPARATORS.length)}'))`
