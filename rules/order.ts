/** Shared by all rules: one order of texts and amounts, the same on every machine. */

/** Compares two texts by code unit, or two amounts; for `sort`. `localeCompare` depends on the machine's locale, this does not. */
export function ascending<T extends string | bigint>(a: T, b: T): number {
  if (a < b) return -1
  return Number(a > b)
}

/** Compares two ids; for `sort`. Decimal numbers without leading zeros come in the order of their values. */
export const byId = (a: string, b: string): number => a.length - b.length || ascending(a, b)
