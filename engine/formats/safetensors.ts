import type { FileHandle } from 'node:fs/promises'
import { writeFileAtomically } from './atomic.ts'
import { dtypes, encoders, type FloatDtype } from './dtypes.ts'
import { openToRead, readFully, writeFully } from './fileBytes.ts'
import { MAX_HEADER_BYTES, parseHeader, type SafetensorsHeader, type TensorEntry } from './header.ts'
import { elementCount, type Weights, type WeightTensor } from './weights.ts'

/** Elements converted or checked at a time: what reading and writing need beside the tensor itself. */
const CHUNK_ELEMENTS = 1 << 18

/** NaN and infinities mean a broken model, so they are refused unless a caller asks for them. */
export type NonFiniteOptions = { allowNonFinite?: boolean }

/**
 * An open safetensors file (https://huggingface.co/docs/safetensors): 8 bytes of header length, a JSON header, data.
 * `open` checks the whole header against the size of the file before anything is read; `read` brings one tensor into
 * memory as 32-bit floats, converting in chunks. Close it when done.
 */
export class SafetensorsFile {
  private constructor(
    readonly path: string,
    private readonly file: FileHandle,
    private readonly dataStart: number,
    private readonly header: SafetensorsHeader,
  ) {}

  /** Throws an error that names the file and the fault when the file is no valid safetensors file. */
  static async open(path: string): Promise<SafetensorsFile> {
    const { file, size } = await openToRead(path)
    try {
      if (size < 8) throw new Error(`it has ${size} bytes, and the length of the header alone takes 8`)
      const length = await readFully(file, new Uint8Array(8), 0, path)
      const headerBytes = new DataView(length.buffer).getBigUint64(0, true)
      if (headerBytes > BigInt(MAX_HEADER_BYTES)) {
        throw new Error(`its header claims ${headerBytes} bytes; at most ${MAX_HEADER_BYTES} are accepted`)
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

  /** What the file holds, in order of position. */
  get entries(): ReadonlyMap<string, Readonly<TensorEntry>> {
    return this.header.entries
  }

  get metadata(): Readonly<Record<string, string>> {
    return this.header.metadata
  }

  async read(name: string, { allowNonFinite = false }: NonFiniteOptions = {}): Promise<WeightTensor> {
    const entry = this.header.entries.get(name)
    if (!entry) throw new Error(`${this.path} holds no tensor ${name}.`)
    const { bytes, decode } = dtypes[entry.dtype]
    const data = allocate(elementCount(entry.shape), `${name} of ${this.path}`)
    const direct = entry.dtype === 'F32'
    const scratch = new Uint8Array(direct ? 0 : Math.min(CHUNK_ELEMENTS, data.length) * bytes)
    for (let at = 0; at < data.length; at += CHUNK_ELEMENTS) {
      const out = data.subarray(at, at + CHUNK_ELEMENTS)
      const target = direct ? encoders.F32.encode(out) : scratch.subarray(0, out.length * bytes)
      await readFully(this.file, target, this.dataStart + entry.begin + at * bytes, this.path)
      try {
        if (!direct) decode(target, out)
        if (!allowNonFinite) checkFinite(out)
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

/** Reads all tensors of one file. Peak memory is the weights as 32-bit floats and about a megabyte. */
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
  /** How elements are stored. F16 refuses values beyond ±65504. Default F32. */
  dtype?: FloatDtype
  /** Text kept in the header. Default `{ format: 'pt' }`, which transformers asks for. */
  metadata?: Record<string, string>
}

/**
 * Writes weights as one safetensors file, atomically. The bytes depend on names, shapes, values and options alone:
 * tensors lie in order of their names.
 */
export async function writeSafetensors(path: string, weights: Weights, options: WriteOptions = {}): Promise<void> {
  const { dtype = 'F32', metadata = { format: 'pt' }, allowNonFinite = false } = options
  const { bytes, encode } = encoders[dtype]
  const names = [...weights.keys()].sort()
  const header = encodeHeader(names, weights, dtype, metadata)
  await writeFileAtomically(path, async (file) => {
    let position = await writeFully(file, header, 0)
    for (const name of names) {
      const { data } = weights.get(name)!
      for (let at = 0; at < data.length; at += CHUNK_ELEMENTS) {
        const part = data.subarray(at, at + CHUNK_ELEMENTS)
        if (!allowNonFinite) {
          try {
            checkFinite(part)
            if (dtype !== 'F32') checkRange(part, dtype)
          } catch (cause) {
            throw new Error(`${name} ${(cause as Error).message}.`, { cause })
          }
        }
        position = await writeFully(file, encode(part), position)
      }
    }
    const expected = header.length + names.reduce((sum, name) => sum + weights.get(name)!.data.length * bytes, 0)
    if (position !== expected) throw new Error(`${position} bytes were written where ${expected} were expected.`)
  })
}

function encodeHeader(names: string[], weights: Weights, dtype: FloatDtype, metadata: Record<string, string>) {
  const fields: [string, unknown][] = []
  if (Object.keys(metadata).length) fields.push(['__metadata__', Object.fromEntries(Object.entries(metadata).sort())])
  let offset = 0
  for (const name of names) {
    const { shape, data } = weights.get(name)!
    if (name === '__metadata__') throw new Error('A tensor cannot be named __metadata__ in a safetensors file.')
    if (elementCount(shape) !== data.length) {
      throw new Error(`${name} has shape [${shape}] but ${data.length} elements.`)
    }
    const end = offset + data.length * encoders[dtype].bytes
    fields.push([name, { dtype, shape, data_offsets: [offset, end] }])
    offset = end
  }
  // Joined by hand: an object would move names that look like numbers to the front.
  const body = fields.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')
  const json = new TextEncoder().encode(`{${body}}`)
  const padded = Math.ceil(json.length / 8) * 8 // spaces align the data to 8 bytes
  const out = new Uint8Array(8 + padded).fill(0x20)
  new DataView(out.buffer).setBigUint64(0, BigInt(padded), true)
  out.set(json, 8)
  return out
}

function checkFinite(data: Float32Array): void {
  for (let i = 0; i < data.length; i++) {
    if (data[i] - data[i] !== 0) throw new Error(`holds ${data[i]}; the model is broken, or pass allowNonFinite`)
  }
}

/** Rounding must not make an infinity. BF16 reaches as far as F32 but for the last half step. */
function checkRange(data: Float32Array, dtype: 'F16' | 'BF16'): void {
  const limit = dtype === 'F16' ? 65520 : 1.99609375 * 2 ** 127 // the least magnitudes that round to infinity
  for (let i = 0; i < data.length; i++) {
    if (Math.abs(data[i]) >= limit) throw new Error(`holds ${data[i]}, beyond ${dtype}; write it as F32`)
  }
}

function allocate(elements: number, what: string): Float32Array {
  try {
    return new Float32Array(elements)
  } catch (cause) {
    throw new Error(`${what} needs ${elements * 4} bytes, which this process cannot allocate.`, { cause })
  }
}
