/** Compares two texts by code unit or two amounts, for `sort`. Unlike `localeCompare`, the order is the same on every machine. */
export function ascending<T extends string | bigint>(a: T, b: T): number {
  if (a < b) return -1
  return Number(a > b)
}
