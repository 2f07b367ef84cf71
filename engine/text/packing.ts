/**
 * Packs items into rows of at most `capacity` tokens by best fit, the longest first: each goes to the row it leaves
 * fullest. Items of equal length keep their order. Throws when an item alone is too long.
 */
export function packRows<T extends { tokens: { length: number } }>(items: readonly T[], capacity: number): T[][] {
  const rows: T[][] = []
  /** Rows by the room they have left. */
  const byRoom: number[][] = Array.from({ length: capacity + 1 }, () => [])
  for (const item of [...items].sort((a, b) => b.tokens.length - a.tokens.length)) {
    const { length } = item.tokens
    if (length > capacity) throw new Error(`An item of ${length} tokens does not fit rows of ${capacity}.`)
    let room = length
    while (room <= capacity && byRoom[room].length === 0) room++
    const row = room <= capacity ? byRoom[room].pop()! : rows.push([]) - 1
    rows[row].push(item)
    byRoom[Math.min(room, capacity) - length].push(row)
  }
  return rows
}
