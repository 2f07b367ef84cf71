/** Rule 8 (reward split): the lineage of a version. */

/** The number of generations of ancestors that share in a version's revenue, and the default depth of a lineage. */
export const MAX_DEPTH = 8

/**
 * The versions that a version was trained from, nearest first, at most `depth`. `parentOf` returns `null` for a version without parent.
 * @throws RangeError when a version is its own ancestor.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { ancestors } from '#rules/lineage.ts'
 *
 * const parents: Record<string, string> = { '3': '2', '2': '1' }
 * assert.deepEqual(
 *   ancestors('3', (id) => parents[id] ?? null),
 *   ['2', '1'],
 * )
 * ```
 */
export function ancestors(versionId: string, parentOf: (id: string) => string | null, depth = MAX_DEPTH): string[] {
  const line: string[] = []
  const seen = new Set([versionId])
  for (let parent = parentOf(versionId); parent !== null && line.length < depth; parent = parentOf(parent)) {
    if (seen.has(parent))
      throw new RangeError(`Version ${parent} is its own ancestor. A parent must be registered earlier.`)
    seen.add(parent)
    line.push(parent)
  }
  return line
}
