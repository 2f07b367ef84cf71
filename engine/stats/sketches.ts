import { type FileHandle, open, stat } from 'node:fs/promises'
import { openToRead, readFully, writeFully } from '#engine/formats/fileBytes.ts'
import type { CountSketch } from './countSketch.ts'

/** Names the kind of file and its version. Then come dimensions (32 bits), 4 bytes of nothing, the projection's 16 bytes. */
const magic = 'MCSKTCH1'
const headerBytes = 32

/**
 * Sketches of many vectors in 16-bit whole numbers, each with its own scale: two bytes a dimension. Rounding moves a
 * sketch by at most 1/65534 of its largest number in each dimension, far less than projecting does.
 */
export class Sketches {
  /** One after the other: the scale (a 32-bit float), then the numbers. */
  private words: Int16Array
  private scales: Float32Array
  private readonly stride: number

  private constructor(
    readonly dimensions: number,
    /** Which projection made them; a query must come from the same. */
    readonly identity: string,
    words: Int16Array,
    private filled: number,
  ) {
    this.stride = dimensions + 2
    this.words = words
    this.scales = new Float32Array(words.buffer, words.byteOffset, words.length >> 1)
  }

  static empty({ dimensions, identity }: Pick<CountSketch, 'dimensions' | 'identity'>): Sketches {
    return new Sketches(dimensions, identity, new Int16Array(0), 0)
  }

  get count(): number {
    return this.filled
  }

  /** Appends a sketch and returns its index. */
  add(sketch: Float32Array): number {
    const record = quantise(sketch, this.dimensions)
    const start = this.filled * this.stride
    if (start + this.stride > this.words.length) {
      const grown = new Int16Array(Math.max(16, 2 * this.filled) * this.stride)
      grown.set(this.words)
      this.words = grown
      this.scales = new Float32Array(grown.buffer)
    }
    this.words.set(record, start)
    return this.filled++
  }

  /** The sketch as kept, rounding included. */
  at(index: number): Float32Array {
    if (!(index >= 0 && index < this.filled)) throw new Error(`There is no sketch ${index}; there are ${this.filled}.`)
    const start = index * this.stride
    const scale = this.scales[start >> 1]
    return Float32Array.from(this.words.subarray(start + 2, start + this.stride), (word) => word * scale)
  }

  /**
   * Reads a file that a `SketchLog` wrote. A last record that a crash cut short is left out.
   * Refuses a file of another kind, or of another projection when one is given.
   */
  static async read(path: string, projection?: Pick<CountSketch, 'dimensions' | 'identity'>): Promise<Sketches> {
    const { file, size } = await openToRead(path)
    try {
      const { dimensions, identity } = await readHeader(file, path)
      if (projection && projection.identity !== identity) {
        throw new Error(`${path} holds sketches of another projection: seed, length or dimensions differ.`)
      }
      const recordBytes = 2 * (dimensions + 2)
      const count = Math.floor((size - headerBytes) / recordBytes)
      const words = new Int16Array(count * (dimensions + 2))
      await readFully(file, new Uint8Array(words.buffer), headerBytes, path)
      const sketches = new Sketches(dimensions, identity, words, count)
      for (let n = 0; n < count; n++) {
        const scale = sketches.scales[(n * sketches.stride) >> 1]
        if (!(scale >= 0 && scale < Infinity)) throw new Error(`${path} is damaged: sketch ${n} has scale ${scale}.`)
      }
      return sketches
    } finally {
      await file.close()
    }
  }
}

/**
 * A file of sketches that grows while training goes on. A checkpoint notes `count` after `sync`; a resumed run opens
 * the log with that count, and what was appended since is dropped and made anew: the file ends up the same, byte by byte.
 */
export class SketchLog {
  private constructor(
    private readonly file: FileHandle,
    private readonly dimensions: number,
    private written: number,
  ) {}

  /** Opens or creates the file, keeping its first `keep` sketches. Throws when it holds fewer, or other ones. */
  static async open(
    path: string,
    projection: Pick<CountSketch, 'dimensions' | 'identity'>,
    keep = 0,
  ): Promise<SketchLog> {
    const { dimensions, identity } = projection
    const exists = await stat(path).then(
      (found) => found.isFile() && found.size >= headerBytes,
      () => false,
    )
    if (!exists && keep > 0) throw new Error(`${path} should hold ${keep} sketches and is missing.`)
    const file = await open(path, exists ? 'r+' : 'w+')
    try {
      const end = headerBytes + keep * 2 * (dimensions + 2)
      if (keep > 0) {
        if ((await readHeader(file, path)).identity !== identity) {
          throw new Error(`${path} holds sketches of another projection: seed, length or dimensions differ.`)
        }
        const { size } = await file.stat()
        if (size < end) throw new Error(`${path} should hold ${keep} sketches but is shorter: it was cut or swapped.`)
      } else {
        await file.truncate(0)
        await writeFully(file, encodeHeader(dimensions, identity), 0)
      }
      await file.truncate(end)
      return new SketchLog(file, dimensions, keep)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  get count(): number {
    return this.written
  }

  async append(sketch: Float32Array): Promise<void> {
    const record = quantise(sketch, this.dimensions)
    await writeFully(this.file, new Uint8Array(record.buffer), headerBytes + this.written * record.byteLength)
    this.written++
  }

  /** Returns once everything appended is on the disk. */
  sync(): Promise<void> {
    return this.file.sync()
  }

  async close(): Promise<void> {
    await this.file.sync()
    await this.file.close()
  }
}

/** The scale as two words, then the numbers in units of it. */
function quantise(sketch: Float32Array, dimensions: number): Int16Array {
  checkSketch(sketch, dimensions)
  let largest = 0
  for (const value of sketch) largest = Math.max(largest, Math.abs(value))
  const scale = largest === 0 ? 0 : Math.max(2 ** -126, Math.fround(largest / 32_767)) // subnormal scales lose digits
  const record = new Int16Array(dimensions + 2)
  new Float32Array(record.buffer, 0, 1)[0] = scale
  if (scale > 0) {
    for (let i = 0; i < dimensions; i++) {
      record[i + 2] = Math.max(-32_767, Math.min(32_767, Math.round(sketch[i] / scale)))
    }
  }
  return record
}

function checkSketch(sketch: Float32Array, dimensions: number): void {
  if (sketch.length !== dimensions) throw new Error(`The sketch has ${sketch.length} dimensions, not ${dimensions}.`)
  const bad = sketch.findIndex((value) => !Number.isFinite(value))
  if (bad >= 0) throw new Error(`Dimension ${bad} of the sketch is ${sketch[bad]}.`)
}

function encodeHeader(dimensions: number, identity: string): Uint8Array {
  const header = Buffer.alloc(headerBytes)
  header.write(magic, 0, 'latin1')
  header.writeUInt32LE(dimensions, 8)
  header.write(identity, 16, 'hex')
  return header
}

async function readHeader(file: FileHandle, path: string): Promise<{ dimensions: number; identity: string }> {
  if ((await file.stat()).size < headerBytes) throw new Error(`${path} is too short for a file of sketches.`)
  const header = Buffer.from(await readFully(file, new Uint8Array(headerBytes), 0, path))
  const dimensions = header.readUInt32LE(8)
  if (header.toString('latin1', 0, 8) !== magic || dimensions < 2 || dimensions > 65_536 || dimensions % 2) {
    throw new Error(`${path} is not a file of sketches.`)
  }
  return { dimensions, identity: header.toString('hex', 16, 32) }
}
