// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import { writeFileAtomically } from '#engine/formats/atomic.ts'
import { openToRead, readFully, writeFully } from '#engine/formats/fileBytes.ts'
import { must } from '#test/must.ts'
import { type SpanArrays, SpanIndex } from '../spanIndex.ts'

/** The file's magic bytes and version. */
const magic = 'MCSPANS1'

/** The magic bytes, then the lengths of `text` and `starts` as 64-bit integers. */
const headerBytes = 24

/**
 * Writes an index atomically: a header of 24 bytes, then text, starts and order as little-endian 32-bit integers.
 * The same documents give the same bytes.
 */
export async function writeSpanIndex(path: string, { arrays }: SpanIndex): Promise<void> {
  const header = new Uint8Array(headerBytes)
  header.set(new TextEncoder().encode(magic))
  const view = new DataView(header.buffer)
  view.setBigUint64(8, BigInt(arrays.text.length), true)
  view.setBigUint64(16, BigInt(arrays.starts.length), true)
  await writeFileAtomically(path, async (file) => {
    let position = await writeFully(file, header, 0)
    for (const array of [arrays.text, arrays.starts, arrays.order]) {
      position = await writeFully(file, new Uint8Array(array.buffer, array.byteOffset, array.byteLength), position)
    }
  })
}

/**
 * Reads an index that `writeSpanIndex` wrote. @throws Error when the file has another type or size, or when a number is out
 * of range. A wrong order is not detected: it gives wrong answers but no failure.
 */
export async function readSpanIndex(path: string): Promise<SpanIndex> {
  const { file, size: fileBytes } = await openToRead(path)
  try {
    if (fileBytes < headerBytes) throw new Error(`${path} is not a span index: it has ${fileBytes} bytes.`)
    const header = await readFully(file, new Uint8Array(headerBytes), 0, path)
    if (new TextDecoder().decode(header.subarray(0, 8)) !== magic) throw new Error(`${path} is not a span index.`)
    const view = new DataView(header.buffer)
    const [size, documents] = [view.getBigUint64(8, true), view.getBigUint64(16, true)]
    if (BigInt(fileBytes) !== BigInt(headerBytes) + 4n * (2n * size + documents)) {
      throw new Error(`${path} has ${fileBytes} bytes, unlike its header: it is truncated or not a span index.`)
    }
    const arrays: SpanArrays = {
      text: new Int32Array(Number(size)),
      starts: new Int32Array(Number(documents)),
      order: new Int32Array(Number(size)),
    }
    let position = headerBytes
    for (const array of [arrays.text, arrays.starts, arrays.order]) {
      await readFully(file, new Uint8Array(array.buffer), position, path)
      position += array.byteLength
    }
    checkArrays(path, arrays)
    return new SpanIndex(arrays)
  } finally {
    await file.close()
  }
}

function checkArrays(path: string, { text, starts, order }: SpanArrays): void {
  const broken = (what: string) => new Error(`${path} is damaged: ${what}.`)
  for (let i = 0; i < text.length; i++) if (must(text[i]) < 0) throw broken(`token ${i} is ${text[i]}`)
  for (let i = 0; i < order.length; i++) {
    if (must(order[i]) < 0 || must(order[i]) >= text.length) throw broken(`entry ${i} of the order is ${order[i]}`)
  }
  for (let d = 0; d < starts.length; d++) {
    const least = d === 0 ? 0 : must(starts[d - 1]) + 1
    if (d === 0 ? starts[0] !== 0 : must(starts[d]) < least || must(starts[d]) >= text.length) {
      throw broken(`document ${d} begins at ${starts[d]}`)
    }
  }
  if (text.length > 0 && (starts.length === 0 || text[text.length - 1] !== 0))
    throw broken('the last document has no end')
}
