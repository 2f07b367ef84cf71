/** The limits of one query. The cost is about the number of objects that the query can return: a list counts its requested length times the
 *  cost of one row, and a field may state a cost of its own (`complexity`). PostgreSQL ends a statement after `statementMs`. */
export const LIMITS = {
  depth: 18,
  aliases: 50,
  cost: 50_000,
  tokens: 4_000,
  introspectionAliases: 5,
  statementMs: 10_000,
}
