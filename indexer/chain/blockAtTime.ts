import { InconsistentChain } from '../errors.ts'
import type { BlockHeader } from '../rpc/answers.ts'

/** Where between two known blocks a time lies. */

export interface TimeGap {
  /** Seconds. */
  at: number
  /** A block at or before this time, and a later one after it. */
  before: TimedBlock
  after: TimedBlock
}

export type TimedBlock = Pick<BlockHeader, 'number' | 'timestamp'>

/** So many guesses assume that blocks come at equal intervals; each further one halves what is left. */
const EVEN_GUESSES = 6

const secondsOf = ({ timestamp }: TimedBlock) => timestamp.getTime() / 1000

/** For each gap, the headers of the last block up to the time and of the next one. All gaps are searched together.
 *  @throws InconsistentChain when the node lacks a block, or its blocks are not of one chain. */
export async function blocksAround(
  gaps: readonly TimeGap[],
  headers: (numbers: readonly number[]) => Promise<(BlockHeader | null)[]>,
): Promise<BlockHeader[][]> {
  const read = async (numbers: readonly number[]) => {
    const wanted = [...new Set(numbers)]
    const found = new Map((await headers(wanted)).map((header, index) => [wanted[index], header]))
    return numbers.map((number) => {
      const header = found.get(number)
      if (!header) throw new InconsistentChain(`The node has no block ${number}, though it has later ones`)
      return header
    })
  }
  const searches = gaps.map((gap) => ({ ...gap }))
  for (let turn = 0; ; turn++) {
    const open = searches.filter(({ before, after }) => after.number - before.number > 1)
    if (!open.length) break
    const found = await read(open.map((search) => guess(search, turn < EVEN_GUESSES)))
    for (const [index, search] of open.entries()) {
      const header = found[index] as BlockHeader
      if (secondsOf(header) <= search.at) search.before = header
      else search.after = header
    }
  }
  const ends = await read(searches.flatMap(({ before, after }) => [before.number, after.number]))
  return searches.map((_, index) => {
    const [before, after] = ends.slice(2 * index) as [BlockHeader, BlockHeader]
    if (after.parentHash !== before.hash)
      throw new InconsistentChain(`Block ${after.number} does not follow ${before.hash}: the chain is changing`)
    return [before, after]
  })
}

function guess({ at, before, after }: TimeGap, evenly: boolean): number {
  const size = after.number - before.number
  const [from, to] = [secondsOf(before), secondsOf(after)]
  const share = evenly && to > from ? (at - from) / (to - from) : 0.5
  return before.number + Math.min(size - 1, Math.max(1, Math.floor(share * size)))
}
