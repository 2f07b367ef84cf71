/** `items` in runs of at most `size`, in order. */
export function chunks<T>(items: readonly T[], size: number): T[][] {
  const found: T[][] = []
  for (let start = 0; start < items.length; start += size) found.push(items.slice(start, start + size))
  return found
}
