import { closeSync, constants, fstatSync, ftruncateSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Header, Log, Stretch } from './stretch.ts'

/** What the chain's final blocks said, kept in a file: an index is made anew from it without a node.
 *
 *  The file is a sequence of records, each its length and CRC-32 as two little-endian 32-bit words, then JSON. The first says what
 *  is cached; every other is one stretch that begins after the one before. Records are only added. A record that was cut off by a
 *  kill, a full disk or a lost page does not match its checksum: the file counts up to there, and goes on from there. */

/** What the stretches are of; a file of anything else is begun anew. */
export interface Subject {
  chainId: number
  addresses: readonly string[]
  topics: readonly string[]
  /** The block before the first stretch. */
  base: Header
}

interface Record {
  from: number
  to: number
  /** Where its JSON lies in the file. */
  offset: number
  length: number
  end: Pick<Header, 'number' | 'hash'>
}

const FRAME = 8
const FORMAT = 1

type StoredLog = [address: number, topics: string[], data: string, block: number, transaction: string, index: number]
interface StoredStretch {
  from: number
  to: number
  headers: [number: number, hash: string, parent: string, seconds: number][]
  logs: StoredLog[]
}

export class ChainCache {
  private readonly file: number
  private readonly records: Record[] = []
  private size = 0
  private subject: Subject | undefined
  /** What else is to be known without a node, as JSON. */
  private notes: unknown
  /** Why nothing more is kept, if so. */
  failure: Error | undefined
  private closed = false

  /** Opens `folder/name.log`, reading what is whole in it. */
  constructor(folder: string, name: string) {
    mkdirSync(folder, { recursive: true })
    this.file = openSync(join(folder, `${name}.log`), constants.O_RDWR | constants.O_CREAT, 0o600)
    const length = fstatSync(this.file).size
    for (;;) {
      const found = this.readFrame(this.size, length)
      if (!found) break
      if (this.subject) this.remember(JSON.parse(found.toString()) as StoredStretch, this.size + FRAME, found.length)
      else {
        const first = JSON.parse(found.toString()) as { format: number; subject: Subject; notes: unknown }
        if (first.format !== FORMAT) break
        this.subject = revived(first.subject)
        this.notes = first.notes
      }
      this.size += FRAME + found.length
    }
  }

  /** What was noted when the file was begun; undefined when nothing is cached. */
  noted(): unknown {
    return this.subject && this.notes
  }

  /** The last block of what is cached. */
  get end(): Pick<Header, 'number' | 'hash'> | undefined {
    return this.records.at(-1)?.end ?? this.subject?.base
  }

  /** Goes on with the file if it is of `subject`, else begins it anew. */
  begin(subject: Subject, notes: unknown) {
    const same = this.subject && JSON.stringify(keyOf(this.subject)) === JSON.stringify(keyOf(subject))
    if (same || this.failure) return
    this.records.length = 0
    this.size = 0
    this.subject = subject
    this.notes = notes
    this.write({ format: FORMAT, subject, notes })
  }

  /** Keeps a stretch that begins where the last one ended; any other is let go. A disk that is full ends the keeping, not the indexing. */
  append(stretch: Stretch) {
    if (this.failure || !this.subject) return
    const { addresses } = this.subject
    if (stretch.from !== (this.records.at(-1)?.to ?? this.subject.base.number) + 1) return
    const places = new Map(addresses.map((address, place) => [address, place]))
    const extra = new Map<string, number>()
    const place = (address: string) => {
      const known = places.get(address) ?? extra.get(address)
      if (known !== undefined) return known
      extra.set(address, addresses.length + extra.size)
      return addresses.length + extra.size - 1
    }
    const logs = stretch.logs.map(
      ({ address, topics, data, block, transactionHash, index }): StoredLog => [
        place(address),
        topics,
        data,
        block,
        transactionHash,
        index,
      ],
    )
    const headers = stretch.headers.map(({ number, hash, parentHash, timestamp }) => [
      number,
      hash,
      parentHash,
      timestamp.getTime() / 1000,
    ])
    const stored = { from: stretch.from, to: stretch.to, headers, logs, extra: [...extra.keys()] }
    const offset = this.size + FRAME
    const length = this.write(stored)
    if (length) this.remember(stored as unknown as StoredStretch, offset, length)
  }

  /** The stretches that lie whole between `from` and `to`, in order, the first cut to begin at `from`. */
  *stretches(from: number, to: number): Generator<Stretch> {
    for (const record of this.records) {
      if (record.to < from) continue
      if (record.to > to) return
      const whole = this.read(record)
      const begins = Math.max(from, whole.from)
      yield begins === whole.from
        ? whole
        : {
            from: begins,
            to: whole.to,
            headers: whole.headers.filter(({ number }) => number >= begins),
            logs: whole.logs.filter(({ block }) => block >= begins),
          }
    }
  }

  /** The header at a height where it is known. */
  header(number: number): Header | undefined {
    if (this.subject?.base.number === number) return this.subject.base
    const record = this.records.find(({ from, to }) => from <= number && number <= to)
    return record && this.read(record).headers.find((header) => header.number === number)
  }

  /** Where the stretches end, newest first. */
  ends(): Pick<Header, 'number' | 'hash'>[] {
    return this.records.map(({ end }) => end).reverse()
  }

  /** Lets go of every stretch that reaches beyond `block`: it is no longer on the chain. */
  truncate(block: number) {
    while (this.records.length && this.records.at(-1)!.to > block) this.size = this.records.pop()!.offset - FRAME
    if (!this.failure) ftruncateSync(this.file, this.size)
  }

  /** From now on nothing is kept or read: the number of a closed file may be another file's. */
  close() {
    this.failure = new Error('The cache is closed')
    this.closed = true
    closeSync(this.file)
  }

  private remember({ from, to, headers }: StoredStretch, offset: number, length: number) {
    const [number, hash] = headers.at(-1)!
    this.records.push({ from, to, offset, length, end: { number, hash } })
  }

  private read({ offset, length }: Record): Stretch {
    if (this.closed) throw this.failure
    const bytes = Buffer.allocUnsafe(length)
    readSync(this.file, bytes, 0, length, offset)
    const stored = JSON.parse(bytes.toString()) as StoredStretch & { extra: string[] }
    const hashes = new Map(stored.headers.map(([number, hash]) => [number, hash]))
    const known = this.subject!.addresses
    return {
      from: stored.from,
      to: stored.to,
      headers: stored.headers.map(([number, hash, parentHash, seconds]) => ({
        number,
        hash,
        parentHash,
        timestamp: new Date(seconds * 1000),
      })),
      logs: stored.logs.map(
        ([place, topics, data, block, transactionHash, index]) =>
          ({
            address: known[place] ?? stored.extra[place - known.length],
            topics,
            data,
            block,
            blockHash: hashes.get(block),
            transactionHash,
            index,
          }) as Log,
      ),
    }
  }

  /** A whole record at `offset`, or undefined where the file ends or is torn. */
  private readFrame(offset: number, fileLength: number): Buffer | undefined {
    if (offset + FRAME > fileLength) return undefined
    const frame = Buffer.allocUnsafe(FRAME)
    readSync(this.file, frame, 0, FRAME, offset)
    const length = frame.readUInt32LE(0)
    if (!length || offset + FRAME + length > fileLength) return undefined
    const bytes = Buffer.allocUnsafe(length)
    readSync(this.file, bytes, 0, length, offset + FRAME)
    return crc32(bytes) === frame.readUInt32LE(4) ? bytes : undefined
  }

  /** Adds a record at the end. @returns the length of its JSON, or 0 when it could not be kept. */
  private write(value: unknown): number {
    const json = Buffer.from(JSON.stringify(value))
    const frame = Buffer.allocUnsafe(FRAME + json.length)
    frame.writeUInt32LE(json.length, 0)
    frame.writeUInt32LE(crc32(json), 4)
    json.copy(frame, FRAME)
    try {
      if (fstatSync(this.file).size > this.size) ftruncateSync(this.file, this.size) // what a kill has cut off
      for (let at = 0; at < frame.length; ) at += writeSync(this.file, frame, at, frame.length - at, this.size + at)
    } catch (error) {
      this.failure = error as Error
      return 0
    }
    this.size += frame.length
    return json.length
  }
}

const keyOf = ({ chainId, addresses, topics, base }: Subject) => [chainId, addresses, topics, base.number, base.hash]

const revived = (subject: Subject): Subject => ({
  ...subject,
  base: { ...subject.base, timestamp: new Date(subject.base.timestamp) },
})
