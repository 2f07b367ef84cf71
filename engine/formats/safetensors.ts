import type { FileHandle } from 'node:fs/promises'
import { writeFileAtomically } from './atomic.ts'
import { checkFiniteWeights, checkRepresentable, elementTypeOf, encoders, type FloatDtype } from './dtypes.ts'
import { openToRead, readFully, writeFully } from './fileBytes.ts'
import { MAX_HEADER_BYTES, parseHeader, type SafetensorsHeader, type TensorEntry } from './header.ts'
import { elementCount, sortedByName, type Weights, type WeightTensor } from './weights.ts'

/** Elements that are converted or checked at a time; bounds the memory beside the tensor itself. */
const CHUNK_ELEMENTS = 1 << 18

/** NaN and infinities are signs of a broken model: they are errors unless the caller allows them. */
export type NonFiniteOptions = { allowNonFinite?: boolean }

/**
 * An open safetensors file (https://huggingface.co/docs/safetensors): 8 bytes with the length of the header, a JSON
 * header, the data. `open` checks the complete header against the size of the file; `read` loads one tensor as 32-bit
 * floats, converted in chunks. The caller closes the file.
 */
export class SafetensorsFile {
  private constructor(
    readonly path: string,
    private readonly file: FileHandle,
    private readonly dataStart: number,
    private readonly header: SafetensorsHeader,
  ) {}

  /** @throws Error that names the file and the problem when it is not a valid safetensors file. */
  static async open(path: string): Promise<SafetensorsFile> {
    const { file, size } = await openToRead(path)
    try {
      if (size < 8) throw new Error(`it has ${size} bytes, but the length of the header alone takes 8`)
      const length = await readFully(file, new Uint8Array(8), 0, path)
      const headerBytes = new DataView(length.buffer).getBigUint64(0, true)
      if (headerBytes > BigInt(MAX_HEADER_BYTES)) {
        throw new Error(`its header claims ${headerBytes} bytes; the limit is ${MAX_HEADER_BYTES}`)
      }
      const dataStart = 8 + Number(headerBytes)
      if (dataStart > size) {
        throw new Error(`its header claims ${headerBytes} bytes but the file has ${size}: it is truncated`)
      }
      const bytes = await readFully(file, new Uint8Array(Number(headerBytes)), 8, path)
      return new SafetensorsFile(path, file, dataStart, parseHeader(bytes, size - dataStart))
    } catch (cause) {
      await file.close()
      throw new Error(`${path} is not a valid safetensors file: ${(cause as Error).message}.`, { cause })
    }
  }

  /** The tensors in the file, in order of position. */
  get entries(): ReadonlyMap<string, Readonly<TensorEntry>> {
    return this.header.entries
  }

  get metadata(): Readonly<Record<string, string>> {
    return this.header.metadata
  }

  async read(name: string, { allowNonFinite = false }: NonFiniteOptions = {}): Promise<WeightTensor> {
    const entry = this.header.entries.get(name)
    const type = entry && elementTypeOf(entry.dtype)
    if (!type) throw new Error(`${this.path} contains no tensor ${name}.`)
    const { bytes, decode } = type
    const data = allocate(elementCount(entry.shape), `${name} of ${this.path}`)
    const direct = entry.dtype === 'F32'
    const scratch = new Uint8Array(direct ? 0 : Math.min(CHUNK_ELEMENTS, data.length) * bytes)
    for (let at = 0; at < data.length; at += CHUNK_ELEMENTS) {
      const out = data.subarray(at, at + CHUNK_ELEMENTS)
      const target = direct ? encoders.F32.encode(out) : scratch.subarray(0, out.length * bytes)
      await readFully(this.file, target, this.dataStart + entry.begin + at * bytes, this.path)
      try {
        if (!direct) decode(target, out)
        if (!allowNonFinite) checkFiniteWeights(out)
      } catch (cause) {
        throw new Error(`${name} of ${this.path} ${(cause as Error).message}.`, { cause })
      }
    }
    return { shape: [...entry.shape], data }
  }

  close(): Promise<void> {
    return this.file.close()
  }
}

/** Reads all tensors of one file. Peak memory is the weights as 32-bit floats plus about a megabyte. */
export async function readSafetensors(path: string, options: NonFiniteOptions = {}): Promise<Weights> {
  const file = await SafetensorsFile.open(path)
  try {
    const weights: Weights = new Map()
    for (const name of file.entries.keys()) weights.set(name, await file.read(name, options))
    return weights
  } finally {
    await file.close()
  }
}

export type WriteOptions = NonFiniteOptions & {
  /** The type of the stored elements; default F32. A value that does not fit in F16 or BF16 is an error. */
  dtype?: FloatDtype
  /** Text in the header; default `{ format: 'pt' }`, which transformers requires. */
  metadata?: Record<string, string>
}

/**
 * Writes weights to one safetensors file, atomically. Tensors are in order of their names, so that the bytes depend only on
 * names, shapes, values and options.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { mkdtemp, rm } from 'node:fs/promises'
 * import { tmpdir } from 'node:os'
 * import { join } from 'node:path'
 * import { readSafetensors, writeSafetensors } from '#engine/formats/safetensors.ts'
 *
 * const folder = await mkdtemp(join(tmpdir(), 'weights-'))
 * const path = join(folder, 'model.safetensors')
 * const weights = new Map([['w', { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }]])
 * await writeSafetensors(path, weights, { dtype: 'BF16' })
 * assert.deepEqual(await readSafetensors(path), weights)
 * await rm(folder, { recursive: true })
 * ```
 */
export async function writeSafetensors(path: string, weights: Weights, options: WriteOptions = {}): Promise<void> {
  const { dtype = 'F32', metadata = { format: 'pt' }, allowNonFinite = false } = options
  const { bytes, encode } = encoders[dtype]
  const tensors = sortedByName(weights)
  const header = encodeHeader(tensors, dtype, metadata)
  await writeFileAtomically(path, async (file) => {
    let position = await writeFully(file, header, 0)
    for (const [name, { data }] of tensors) {
      for (let at = 0; at < data.length; at += CHUNK_ELEMENTS) {
        const part = data.subarray(at, at + CHUNK_ELEMENTS)
        if (!allowNonFinite) {
          try {
            checkFiniteWeights(part)
            if (dtype !== 'F32') checkRepresentable(part, dtype)
          } catch (cause) {
            throw new Error(`${name} ${(cause as Error).message}.`, { cause })
          }
        }
        position = await writeFully(file, encode(part), position)
      }
    }
    const expected = header.length + tensors.reduce((sum, [, { data }]) => sum + data.length * bytes, 0)
    if (position !== expected) throw new Error(`${position} bytes were written instead of ${expected}.`)
  })
}

function encodeHeader(tensors: [string, WeightTensor][], dtype: FloatDtype, metadata: Record<string, string>) {
  const fields: [string, unknown][] = []
  if (Object.keys(metadata).length) fields.push(['__metadata__', Object.fromEntries(Object.entries(metadata).sort())])
  let offset = 0
  for (const [name, { shape, data }] of tensors) {
    if (name === '__metadata__') throw new Error('__metadata__ cannot be the name of a tensor in a safetensors file.')
    if (elementCount(shape) !== data.length) {
      throw new Error(`${name} has shape [${shape}] but ${data.length} elements.`)
    }
    const end = offset + data.length * encoders[dtype].bytes
    fields.push([name, { dtype, shape, data_offsets: [offset, end] }])
    offset = end
  }
  // Built as text: an object would move names that look like numbers to the front.
  const body = fields.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')
  const json = new TextEncoder().encode(`{${body}}`)
  const padded = Math.ceil(json.length / 8) * 8 // spaces align the data to 8 bytes
  const out = new Uint8Array(8 + padded).fill(0x20)
  new DataView(out.buffer).setBigUint64(0, BigInt(padded), true)
  out.set(json, 8)
  return out
}

function allocate(elements: number, what: string): Float32Array {
  try {
    return new Float32Array(elements)
  } catch (cause) {
    throw new Error(`${what} needs ${elements * 4} bytes, which this process cannot allocate.`, { cause })
  }
}
