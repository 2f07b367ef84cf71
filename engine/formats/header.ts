import { dtypes, elementTypeOf } from './dtypes.ts'
import { elementCount } from './weights.ts'

/** Type, shape and position of one tensor: `begin` and `end` are byte offsets from the end of the header. */
export type TensorEntry = { name: string; dtype: string; shape: number[]; begin: number; end: number }

export type SafetensorsHeader = { entries: Map<string, TensorEntry>; metadata: Record<string, string> }

/** The limit of the reference implementation for the length of a header. */
export const MAX_HEADER_BYTES = 100_000_000

/**
 * Parses the header of an untrusted safetensors file. @throws Error unless its tensors, in order of their offsets, cover
 * `dataBytes` exactly (no gap, no overlap, nothing after the end) and every size agrees with dtype and shape.
 */
export function parseHeader(bytes: Uint8Array, dataBytes: number): SafetensorsHeader {
  let text: string
  let json: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    json = JSON.parse(text)
  } catch (cause) {
    throw new Error('the header is not JSON', { cause })
  }
  if (!isObject(json)) throw new Error('the header is not a JSON object')
  const duplicate = repeatedKey(text)
  if (duplicate !== undefined) throw new Error(`the header contains ${JSON.stringify(duplicate)} twice`)

  const entries: TensorEntry[] = []
  for (const [name, value] of Object.entries(json)) if (name !== '__metadata__') entries.push(parseEntry(name, value))
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end)
  let reached = 0
  for (const { name, begin, end } of entries) {
    if (begin < reached) throw new Error(`${name} overlaps the tensor before it: it begins at ${begin}, not ${reached}`)
    if (begin > reached) throw new Error(`bytes ${reached} to ${begin}, before ${name}, belong to no tensor`)
    reached = end
  }
  if (reached > dataBytes) {
    throw new Error(`the tensors need ${reached} bytes but the file has ${dataBytes}: it is truncated`)
  }
  if (reached < dataBytes) throw new Error(`${dataBytes - reached} bytes after the last tensor belong to no tensor`)
  return { entries: new Map(entries.map((entry) => [entry.name, entry])), metadata: parseMetadata(json) }
}

function parseEntry(name: string, value: unknown): TensorEntry {
  if (!isObject(value)) throw new Error(`the entry of ${name} is not an object`)
  const { dtype, shape, data_offsets: offsets } = value
  if (typeof dtype !== 'string') throw new Error(`${name} has no dtype`)
  const type = elementTypeOf(dtype)
  if (!type) throw new Error(`${name} has dtype ${dtype}; supported are ${Object.keys(dtypes).join(', ')}`)
  if (!Array.isArray(shape) || shape.length > 32 || !shape.every(isSize)) {
    throw new Error(`${name} has shape ${short(shape)}: a shape has up to 32 whole numbers`)
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    throw new Error(`${name} has data_offsets ${short(offsets)}, not two whole numbers`)
  }
  const [begin, end] = offsets as [number, number]
  const needed = elementCount(shape) * type.bytes
  if (end - begin !== needed) {
    throw new Error(
      `${name} is ${dtype} of shape [${shape}], which takes ${needed} bytes, but its offsets cover ${end - begin}`,
    )
  }
  return { name, dtype, shape, begin, end }
}

function parseMetadata(json: Record<string, unknown>): Record<string, string> {
  const metadata = json.__metadata__ ?? {}
  if (!isObject(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw new Error('__metadata__ is not a map of text to text')
  }
  return metadata as Record<string, string>
}

/** The first key that an object of this valid JSON text contains twice; JSON.parse would silently keep the last value. */
export function repeatedKey(text: string): string | undefined {
  const seen: (Set<string> | undefined)[] = [] // one entry per open bracket; undefined for arrays
  const token = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/gs
  for (let match = token.exec(text); match; match = token.exec(text)) {
    const [found, colon] = match
    if (found === '{') seen.push(new Set())
    else if (found === '[') seen.push(undefined)
    else if (found === '}' || found === ']') seen.pop()
    else if (colon !== undefined) {
      const key: string = JSON.parse(found.slice(0, found.length - colon.length))
      const keys = seen.at(-1)
      if (keys?.has(key)) return key
      keys?.add(key)
    }
  }
  return undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSize(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function short(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 80)
}
