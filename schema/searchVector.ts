/** Characters within which PostgreSQL's parser sees one token (addresses, paths, tags, versions, numbers); for a search they separate words. */
const SEPARATORS = './:@_-+~&=?#%<>;'

/** The longest part of a text that is searched, in characters: a longer one could exceed what a `tsvector` may have. */
export const MAX_SEARCHED = 100_000

/** SQL: the words of a text column, in no language, for an index and for the conditions that use it. */
export const searchVector = (column: string) =>
  `to_tsvector('simple', translate(left(${column}, ${MAX_SEARCHED}), '${SEPARATORS}', '${' '.repeat(SEPARATORS.length)}'))`

/** SQL: the versions of a proposal before its first vote. Its description never changes, so that the others, one for each block with votes, need no place in the
 *  index: no Governor takes a vote in the block of the proposal. */
export const beforeVotes = (alias: string) =>
  ['for_votes', 'against_votes', 'abstain_votes'].map((column) => `${alias}${column} = 0`).join(' and ')
