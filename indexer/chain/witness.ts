import { createHash } from 'node:crypto'
import { InconsistentChain } from '../errors.ts'
import type { BlockHeader, Log } from '../rpc/answers.ts'
import type { Rpc } from '../rpc/rpc.ts'
import { type BlockId, type BlockRange, lastBlock } from './blockRange.ts'
import { accountFor, type BloomFilter } from './bloom.ts'
import { logsByBlock, unexplained } from './lateLogs.ts'
import { logsOfReceipts } from './receipts.ts'

/** Where there is no other endpoint to compare with, blooms and receipts of some blocks witness what a node tells of a final range. That is a sample, so no
 *  proof: a node that leaves out a few logs of a long range may go unnoticed. Several endpoints compare all. */

/** Blocks of a range that are looked at; a shorter range is looked at as a whole. */
export const SAMPLED_BLOCKS = 8

/** Of those that may have more logs, so many are asked: a bloom of a full block matches nearly always by chance, and its receipts are long. */
const ASKED_BLOCKS = 2

/** The numbers of some blocks of a range, which the chain determines. */
export function sampledBlocks(from: number, to: number, hash: string): number[] {
  const size = to - from + 1
  if (size <= SAMPLED_BLOCKS) return Array.from({ length: size }, (_, index) => from + index)
  const seed = createHash('sha256').update(hash).digest()
  const chosen = Array.from({ length: SAMPLED_BLOCKS }, (_, index) => from + (seed.readUInt32BE(4 * index) % size))
  return [...new Set([...chosen, to])]
}

/** What was asked of a range. */
export interface AskedLogs {
  bloom: BloomFilter
  /** Of all logs of a block, those that were asked for. */
  wanted(logs: readonly Log[]): Log[]
  /** Of blocks, by hash. */
  ofBlocks(blocks: readonly BlockId[]): Promise<Log[]>
  headers(numbers: readonly number[]): Promise<(BlockHeader | null)[]>
}

/** @throws InconsistentChain when a sampled block has more of the logs that were asked for than the node told of the range. */
export async function requireWitness(rpc: Rpc, range: BlockRange, asked: AskedLogs): Promise<void> {
  const told = logsByBlock(range.logs)
  const known = new Map(range.headers.map((header) => [header.number, header]))
  const sample = sampledBlocks(range.from, range.to, lastBlock(range).hash)
  const missing = sample.filter((number) => !known.has(number))
  for (const [index, header] of (missing.length ? await asked.headers(missing) : []).entries()) {
    if (!header) throw new InconsistentChain(`The node lost block ${missing[index]}, which is final`)
    known.set(header.number, header)
  }
  const headers = sample.flatMap((number) => known.get(number) ?? [])
  const doubtful = unexplained(asked.bloom, headers, told).slice(0, ASKED_BLOCKS)
  if (!doubtful.length) return
  const receipts = await logsOfReceipts(rpc, doubtful)
  const found = logsByBlock(receipts ?? (await asked.ofBlocks(doubtful)))
  for (const { number, logsBloom } of doubtful) {
    const own = found.get(number) ?? []
    if (receipts && !accountFor(logsBloom, own)) continue
    const left = asked.wanted(own).length - (told.get(number)?.length ?? 0)
    if (left > 0)
      throw new InconsistentChain(
        `The node leaves out logs of a range: ${left} of block ${number}. Name another endpoint in RPC_URL if this lasts.`,
      )
  }
}
