/** How many generations of a version's ancestors share in its revenue, and the default depth of a lineage. */
export const MAX_DEPTH = 8

/** The versions that a version came from, nearest first, at most `depth` of them. `parentOf` returns `null` for a version
 *  without parent.
 *  @throws RangeError when the versions run in a circle. */
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
