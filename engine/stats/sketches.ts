import { type FileHandle, open, stat } from 'node:fs/promises'
import { openToRead, readFully, writeFully } from '#engine/formats/fileBytes.ts'
import type { CountSketch } from './countSketch.ts'

/** The file's magic bytes and version. The header continues with the dimensions (32 bits), 4 unused bytes, and the 16 bytes of the projection's identity. */
const magic = 'MCSKTCH1'
const headerBytes = 32

/**
 * Sketches of many vectors as 16-bit integers, two bytes per dimension, each sketch with its own scale. Quantisation
 * changes each dimension by at most 1/65534 of the sketch's largest value, which is far less than the projection's error.
 */
export class Sketches {
  /** One record per sketch: the scale (a 32-bit float), then the numbers. */
  private words: Int16Array
  private scales: Float32Array
  private readonly stride: number

  private constructor(
    readonly dimensions: number,
    /** Identity of the projection that made them; a query must come from the same projection. */
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

  /** The stored sketch, with quantisation error. */
  at(index: number): Float32Array {
    if (!(index >= 0 && index < this.filled)) throw new Error(`There is no sketch ${index}; there are ${this.filled}.`)
    const start = index * this.stride
    const scale = this.scaleAt(index)
    return Float32Array.from(this.words.subarray(start + 2, start + this.stride), (word) => word * scale)
  }

  private scaleAt(index: number): number {
    const scale = this.scales[(index * this.stride) >> 1]
    if (scale === undefined) throw new Error(`There is no sketch ${index}; there are ${this.filled}.`)
    return scale
  }

  /**
   * Reads a file that a `SketchLog` wrote. Ignores a last record that a crash truncated.
   * @throws Error when the file is not one of sketches, is damaged, or comes from another `projection`.
   */
  static async read(path: string, projection?: Pick<CountSketch, 'dimensions' | 'identity'>): Promise<Sketches> {
    const { file, size } = await openToRead(path)
    try {
      const { dimensions, identity } = await readHeader(file, path)
      if (projection && projection.identity !== identity) {
        throw new Error(`${path} contains sketches of another projection: seed, length or dimensions differ.`)
      }
      const recordBytes = 2 * (dimensions + 2)
      const count = Math.floor((size - headerBytes) / recordBytes)
      const words = new Int16Array(count * (dimensions + 2))
      await readFully(file, new Uint8Array(words.buffer), headerBytes, path)
      const sketches = new Sketches(dimensions, identity, words, count)
      for (let n = 0; n < count; n++) {
        const scale = sketches.scaleAt(n)
        if (!(scale >= 0 && scale < Infinity)) throw new Error(`${path} is damaged: sketch ${n} has scale ${scale}.`)
      }
      return sketches
    } finally {
      await file.close()
    }
  }
}

/**
 * An append-only file of sketches. A resumed run opens it with the number of sketches to keep; later ones are dropped and
 * written again, so the finished file has the same bytes.
 */
export class SketchLog {
  private constructor(
    private readonly file: FileHandle,
    private readonly dimensions: number,
    private written: number,
  ) {}

  /** Opens or creates the file and keeps its first `keep` sketches. @throws Error when it has fewer, or sketches of another projection. */
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
    if (!exists && keep > 0) throw new Error(`${path} should contain ${keep} sketches but does not exist.`)
    const file = await open(path, exists ? 'r+' : 'w+')
    try {
      const end = headerBytes + keep * 2 * (dimensions + 2)
      if (keep > 0) {
        if ((await readHeader(file, path)).identity !== identity) {
          throw new Error(`${path} contains sketches of another projection: seed, length or dimensions differ.`)
        }
        const { size } = await file.stat()
        if (size < end)
          throw new Error(`${path} should contain ${keep} sketches but is shorter: it was truncated or replaced.`)
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

  async append(sketch: Float32Array): Promise<void> {
    const record = quantise(sketch, this.dimensions)
    await writeFully(this.file, new Uint8Array(record.buffer), headerBytes + this.written * record.byteLength)
    this.written++
  }

  /** Flushes the file to disk and closes it. */
  async close(): Promise<void> {
    await this.file.sync()
    await this.file.close()
  }
}

/** A record: the scale as two 16-bit words, then the numbers in units of it. */
function quantise(sketch: Float32Array, dimensions: number): Int16Array {
  checkSketch(sketch, dimensions)
  let largest = 0
  for (const value of sketch) largest = Math.max(largest, Math.abs(value))
  const scale = largest === 0 ? 0 : Math.max(2 ** -126, Math.fround(largest / 32_767)) // a subnormal scale would lose precision
  const record = new Int16Array(dimensions + 2)
  new Float32Array(record.buffer, 0, 1)[0] = scale
  if (scale > 0) {
    for (const [i, value] of sketch.entries()) {
      record[i + 2] = Math.max(-32_767, Math.min(32_767, Math.round(value / scale)))
    }
  }
  return record
}

function checkSketch(sketch: Float32Array, dimensions: number): void {
  if (sketch.length !== dimensions)
    throw new Error(`The sketch has ${sketch.length} dimensions; expected ${dimensions}.`)
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
  if ((await file.stat()).size < headerBytes) throw new Error(`${path} is too short to be a sketch file.`)
  const header = Buffer.from(await readFully(file, new Uint8Array(headerBytes), 0, path))
  const dimensions = header.readUInt32LE(8)
  if (header.toString('latin1', 0, 8) !== magic || dimensions < 2 || dimensions > 65_536 || dimensions % 2) {
    throw new Error(`${path} is not a sketch file.`)
  }
  return { dimensions, identity: header.toString('hex', 16, 32) }
}
