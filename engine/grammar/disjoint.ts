import { isOfType, isSchema, resolveReference, type Schema, SchemaError, typesOf } from './keywords.ts'

/** Maximum depth of the comparison. */
const MAX_DEPTH = 8

const MAX_COMPARISONS = 100_000

/** How many schemas and values may still be compared: a short schema can ask for billions of comparisons. */
export class Comparisons {
  private left = MAX_COMPARISONS

  /** @throws SchemaError when there were too many. */
  count(): void {
    if (this.left-- <= 0)
      throw new SchemaError('#', 'has a oneOf whose cases take too long to tell apart; use anyOf, or fewer cases')
  }
}

/** Whether it is certain that no value satisfies both schemas of `root`. The cases of `oneOf` must be disjoint.
 *  @throws SchemaError when that takes too many comparisons */
export function disjoint(a: unknown, b: unknown, root: unknown, comparisons: Comparisons, depth = 0): boolean {
  comparisons.count() // also where the comparison ends: there are most of them
  if (depth > MAX_DEPTH || !isSchema(a) || !isSchema(b)) return false
  const again = (x: unknown, y: unknown) => disjoint(x, y, root, comparisons, depth + 1)
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    if (one.$ref !== undefined) return again(resolveReference(one.$ref, root, '#'), other)
    const cases = one.anyOf ?? one.oneOf
    if (cases) return cases.every((each) => again(each, other))
    const values = valuesOf(one)
    if (values) return values.every((value) => excludes(other, value, comparisons))
  }
  const [ofA, ofB] = [typesOf(a), typesOf(b)]
  if (ofA.length === 0 || ofB.length === 0) return false
  const common = ofA.filter((type) => ofB.some((each) => overlaps(type, each)))
  if (common.length === 0) return true
  return common.every((type) => type === 'object') && objectsDisjoint(a, b, again)
}

/** Whether object schemas are disjoint: a required property cannot satisfy both, or one requires a property that the other forbids. */
function objectsDisjoint(a: Schema, b: Schema, again: (x: unknown, y: unknown) => boolean): boolean {
  const [inA, inB] = [a.properties ?? {}, b.properties ?? {}]
  const needed = [...(a.required ?? []), ...(b.required ?? [])]
  return needed.some((name) =>
    name in inA && name in inB ? again(inA[name], inB[name]) : (name in inA ? b : a).additionalProperties === false,
  )
}

const overlaps = (a: string, b: string): boolean =>
  a === b || (a === 'number' && b === 'integer') || (a === 'integer' && b === 'number')

const valuesOf = (schema: Schema): readonly unknown[] | undefined => ('const' in schema ? [schema.const] : schema.enum)

/** Whether it is certain that the schema rejects the value. */
function excludes(schema: Schema, value: unknown, comparisons: Comparisons): boolean {
  const values = valuesOf(schema)
  const same = (each: unknown) => {
    comparisons.count()
    return canonical(each) === canonical(value)
  }
  if (values) return !values.some(same)
  const types = typesOf(schema)
  return types.length > 0 && !types.some((type) => isOfType(value, type))
}

/** A text that is equal for equal values, whatever the order of their properties. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) =>
    isSchema(each) ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1))) : each,
  )
