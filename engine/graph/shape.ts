/** Element types a graph can carry. Token ids are `i32`, the type every provider can gather with. */
export type Dtype = 'f32' | 'i32' | 'i64' | 'bool'

/** Extents of a tensor, outermost axis first; `[]` is a scalar. All shapes are static. */
export type Shape = readonly number[]

/** A graph that cannot be built; the message names the operation and the shapes or types that do not fit. */
export class GraphError extends Error {
  override name = 'GraphError'
}

export const sizeFromShape = (shape: Shape): number => shape.reduce((product, extent) => product * extent, 1)

/** The extent of one axis, counted from the end when negative. @throws GraphError when the shape has no such axis. */
export function extentOf(shape: Shape, axis: number): number {
  const extent = shape.at(axis)
  if (extent === undefined) throw new GraphError(`axis ${axis} is outside shape ${formatShape(shape)}`)
  return extent
}

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((extent, axis) => extent === b[axis])

export const formatShape = (shape: Shape): string => `[${shape.join(', ')}]`

/** The shape of an elementwise result by NumPy's rule: shapes are aligned at the last axis, and extents of 1 are expanded. */
export function broadcastShapes(operation: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1
    const right = b[axis - rank + b.length] ?? 1
    if (left !== right && left !== 1 && right !== 1)
      throw new GraphError(`${operation}: shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast`)
    return left === 1 ? right : left
  })
}

/** The non-negative index of an axis. @throws GraphError when the shape has no such axis. */
export function resolveAxis(operation: string, axis: number, shape: Shape): number {
  const resolved = axis < 0 ? axis + shape.length : axis
  if (!Number.isInteger(axis) || resolved < 0 || resolved >= shape.length)
    throw new GraphError(`${operation}: axis ${axis} is outside shape ${formatShape(shape)}`)
  return resolved
}
