import type { Weights } from '#engine/formats/weights.ts'
import { concat, input, type Node, reshape, slice, type Tensor, tensor } from '#engine/graph/index.ts'

interface Place {
  name: string
  shape: number[]
  from: number
  to: number
}

/** Several parameters laid end to end in one vector, so that the optimiser runs a few operators, not thousands. */
export interface Pack {
  size: number
  /** Biases and norms are not decayed, as is usual. */
  decayed: boolean
  places: readonly Place[]
}

/** About a mebibyte: small enough that AdamW's passes over a pack stay in a core's cache. */
const PACK_ELEMENTS = 1 << 18

/** Fills packs in order; a parameter larger than a pack gets one of its own, and then costs no copying. */
export function layOut(shapes: ReadonlyMap<string, number[]>): Pack[] {
  const packs: (Pack & { places: Place[] })[] = []
  const open = new Map<boolean, Pack & { places: Place[] }>()
  for (const [name, shape] of shapes) {
    const size = shape.reduce((a, b) => a * b, 1)
    const decayed = shape.length > 1
    let pack = open.get(decayed)
    if (!pack || pack.size + size > PACK_ELEMENTS) {
      pack = { size: 0, decayed, places: [] }
      packs.push(pack)
      if (size <= PACK_ELEMENTS) open.set(decayed, pack)
    }
    pack.places.push({ name, shape, from: pack.size, to: pack.size + size })
    pack.size += size
  }
  return packs
}

/** One vector input per pack, named `prefix.index`. */
export const packInputs = (packs: readonly Pack[], prefix: string): Node[] =>
  packs.map((pack, index) => input(`${prefix}.${index}`, [pack.size]))

/** The parameters as views of their packs. */
export const unpack = (packs: readonly Pack[], vectors: readonly Node[]): Map<string, Node> =>
  new Map(
    packs.flatMap(({ places }, index) =>
      places.map(({ name, shape, from, to }): [string, Node] => [
        name,
        reshape(slice(vectors[index]!, 0, from, to), shape),
      ]),
    ),
  )

/** Nodes by parameter name, laid into vectors like the packs. */
export const repack = (packs: readonly Pack[], nodes: ReadonlyMap<string, Node>): Node[] =>
  packs.map(({ places }) =>
    concat(
      places.map(({ name, from, to }) => reshape(nodes.get(name)!, [to - from])),
      0,
    ),
  )

/** Values by parameter name, as one checked tensor per pack. */
export function packValues(packs: readonly Pack[], weights: Weights): Tensor[] {
  return packs.map(({ size, places }) => {
    const vector = new Float32Array(size)
    for (const { name, from, to } of places) {
      const values = weights.get(name)?.data
      if (values?.length !== to - from) throw new Error(`${name} should hold ${to - from} values.`)
      vector.set(values, from)
    }
    return tensor(vector)
  })
}

/** Copies out of the packs, by parameter name. */
export const unpackValues = (packs: readonly Pack[], vectors: readonly Tensor[]): Weights =>
  new Map(
    packs.flatMap(({ places }, index) =>
      places.map(({ name, shape, from, to }): [string, { shape: number[]; data: Float32Array }] => [
        name,
        { shape, data: vectors[index]!.floats.slice(from, to) },
      ]),
    ),
  )
