import { closeSync, constants, fstatSync, ftruncateSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { crc32 } from 'node:zlib'
import type { BlockHeader, Log } from '../rpc/answers.ts'
import type { BlockId, BlockRange } from './blockRange.ts'

/** A file that caches the final blocks of a chain: an index can be rebuilt from it without a node.
 *
 *  The file is a sequence of records: length and CRC-32 as two little-endian 32-bit words, then JSON. The first record says what
 *  is cached; every other is one range that begins after the one before, or what a contract answered as of a cached block. Records are only appended. A record that was cut off by a
 *  kill, a full disk or a lost page does not match its checksum: the file is valid up to there, and continues from there. */

/** What is cached; a file for anything else is overwritten. */
export interface CacheKey {
  chainId: number
  addresses: readonly string[]
  topics: readonly string[]
  /** The block before the first range. */
  base: BlockHeader
}

interface RangeRecord {
  from: number
  to: number
  /** The position of its JSON in the file. */
  offset: number
  length: number
  end: BlockId
}

const FRAME = 8
const FORMAT = 3

type StoredLog = [address: number, topics: string[], data: string, block: number, transaction: string, index: number]
type StoredHeader = [number: number, hash: string, parentHash: string, seconds: number]
interface StoredRange {
  from: number
  to: number
  headers: StoredHeader[]
  logs: StoredLog[]
  /** Addresses that logs refer to by their index after those of the key: children of factories. */
  extra: string[]
}

interface StoredAnswer {
  question: string
  answer: unknown
}

export class ChainCache {
  private readonly file: number
  private readonly records: RangeRecord[] = []
  /** Each with the position of its record. */
  private readonly answers = new Map<string, { answer: unknown; offset: number }>()
  private size = 0
  private key: CacheKey | undefined
  /** What else is needed without a node, as JSON. */
  private storedNotes: unknown
  /** Why the cache stopped to store ranges, if it did. */
  failure: Error | undefined
  private closed = false

  /** Opens `folder/name.log` and reads its valid records. */
  constructor(folder: string, name: string) {
    mkdirSync(folder, { recursive: true })
    this.file = openSync(join(folder, `${name}.log`), constants.O_RDWR | constants.O_CREAT, 0o600)
    const length = fstatSync(this.file).size
    for (;;) {
      const found = this.readFrame(this.size, length)
      if (!found) break
      const record = JSON.parse(found.toString()) as unknown
      if (this.key && isNotes(record)) this.storedNotes = record.notes
      else if (this.key && isAnswer(record)) this.answers.set(record.question, { ...record, offset: this.size })
      else if (this.key) this.remember(record as StoredRange, this.size + FRAME, found.length)
      else {
        const first = record as { format: number; subject: CacheKey; notes: unknown }
        if (first.format !== FORMAT) break
        this.key = keyFromJson(first.subject)
        this.storedNotes = first.notes
      }
      this.size += FRAME + found.length
    }
  }

  /** The notes given to `start`; undefined when nothing is cached. */
  notes(): unknown {
    return this.key && this.storedNotes
  }

  /** The last block of what is cached. */
  get end(): BlockId | undefined {
    return this.records.at(-1)?.end ?? this.key?.base
  }

  /** Continues the file if it is for `key`, with these notes, else overwrites it. */
  start(key: CacheKey, notes: unknown) {
    const isSame = this.key && identityOf(this.key) === identityOf(key)
    if (this.failure || (isSame && isDeepStrictEqual(this.storedNotes, notes))) return
    if (isSame) {
      this.storedNotes = notes
      this.write({ notes })
      return
    }
    this.records.length = 0
    this.answers.clear()
    this.size = 0
    this.key = key
    this.storedNotes = notes
    this.write({ format: FORMAT, subject: key, notes })
  }

  /** Stores a range that begins where the last one ended, and ignores any other. When the disk is full, the cache stops and the
   *  indexer goes on. */
  append(range: BlockRange) {
    if (this.failure || !this.key) return
    const { addresses } = this.key
    if (range.from !== (this.records.at(-1)?.to ?? this.key.base.number) + 1) return
    const indices = new Map(addresses.map((address, index) => [address, index]))
    const extra = new Map<string, number>()
    const indexOf = (address: string) => {
      const known = indices.get(address) ?? extra.get(address)
      if (known !== undefined) return known
      extra.set(address, addresses.length + extra.size)
      return addresses.length + extra.size - 1
    }
    const logs = range.logs.map(
      ({ address, topics, data, block, transactionHash, index }): StoredLog => [
        indexOf(address),
        topics,
        data,
        block,
        transactionHash,
        index,
      ],
    )
    const headers = range.headers.map(
      ({ number, hash, parentHash, timestamp }): StoredHeader => [number, hash, parentHash, timestamp.getTime() / 1000],
    )
    const stored = { from: range.from, to: range.to, headers, logs, extra: [...extra.keys()] }
    const offset = this.size + FRAME
    const length = this.write(stored)
    if (length) this.remember(stored, offset, length)
  }

  /** What a contract answered to a question, if that is cached. */
  answer(question: string): { answer: unknown } | undefined {
    return this.answers.get(question)
  }

  /** Stores an answer as of a block, as JSON, if the block is cached. */
  keepAnswer(block: number, question: string, answer: unknown) {
    if (this.failure || block > (this.end?.number ?? -1) || this.answers.has(question)) return
    const offset = this.size
    if (this.write({ question, answer } satisfies StoredAnswer)) this.answers.set(question, { answer, offset })
  }

  /** The ranges between `from` and `to`, in order: the first is cut to begin at `from`, and none that ends after `to` is included. */
  *ranges(from: number, to: number): Generator<BlockRange> {
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

  /** The header at a height, if it is cached. */
  header(number: number): BlockHeader | undefined {
    if (this.key?.base.number === number) return this.key.base
    const record = this.records.find(({ from, to }) => from <= number && number <= to)
    return record && this.read(record).headers.find((header) => header.number === number)
  }

  /** The last block of every range, newest first. */
  ends(): BlockId[] {
    return this.records.map(({ end }) => end).reverse()
  }

  /** Drops every range that ends after `block`, which is no longer on the chain, and every answer that was stored later. */
  truncate(block: number) {
    for (let last = this.records.at(-1); last && last.to > block; last = this.records.at(-1)) {
      this.size = last.offset - FRAME
      this.records.pop()
    }
    for (const [question, { offset }] of this.answers) if (offset >= this.size) this.answers.delete(question)
    if (!this.failure) ftruncateSync(this.file, this.size)
  }

  /** After this nothing is stored or read: the descriptor of a closed file may be reused for another file. */
  close() {
    this.failure = new Error('The cache is closed')
    this.closed = true
    closeSync(this.file)
  }

  private remember({ from, to, headers }: StoredRange, offset: number, length: number) {
    const last = headers.at(-1)
    if (!last) throw new Error(`The cached range ${from}–${to} has no header`)
    const [number, hash] = last
    this.records.push({ from, to, offset, length, end: { number, hash } })
  }

  private read({ offset, length }: RangeRecord): BlockRange {
    if (this.closed) throw this.failure
    const bytes = Buffer.allocUnsafe(length)
    readSync(this.file, bytes, 0, length, offset)
    const stored = JSON.parse(bytes.toString()) as StoredRange
    const hashes = new Map(stored.headers.map(([number, hash]) => [number, hash]))
    const known = this.key?.addresses ?? []
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
        ([contract, topics, data, block, transactionHash, index]) =>
          ({
            address: known[contract] ?? stored.extra[contract - known.length],
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

  /** The record at `offset`; undefined at the end of the file, or where the record is incomplete. */
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

  /** Appends a record. @returns the length of its JSON, or 0 when it could not be written. */
  private write(value: unknown): number {
    const json = Buffer.from(JSON.stringify(value))
    const frame = Buffer.allocUnsafe(FRAME + json.length)
    frame.writeUInt32LE(json.length, 0)
    frame.writeUInt32LE(crc32(json), 4)
    json.copy(frame, FRAME)
    try {
      if (fstatSync(this.file).size > this.size) ftruncateSync(this.file, this.size) // an incomplete record
      for (let written = 0; written < frame.length; )
        written += writeSync(this.file, frame, written, frame.length - written, this.size + written)
    } catch (error) {
      this.failure = error as Error
      return 0
    }
    this.size += frame.length
    return json.length
  }
}

/** Newer ones than the first record has. */
const isNotes = (record: unknown): record is { notes: unknown } =>
  typeof record === 'object' && record !== null && 'notes' in record

const isAnswer = (record: unknown): record is StoredAnswer =>
  typeof record === 'object' && record !== null && 'question' in record

const identityOf = ({ chainId, addresses, topics, base }: CacheKey) =>
  JSON.stringify([chainId, addresses, topics, base.number, base.hash])

/** A key as it was before it became JSON. */
const keyFromJson = (key: CacheKey): CacheKey => ({
  ...key,
  base: { ...key.base, timestamp: new Date(key.base.timestamp) },
})
