import { type Difference, firstDifference } from '#rules/verification.ts'
import { nameOf } from '#schema/artifacts/names.ts'
import type { RewardMap } from '#schema/onchain/rewards.ts'
import { type MapEntry, type MapList, PAGE_ENTRIES, type RewardMapDocument } from '#schema/rewardMapDocument.ts'
import type { ComputedEpoch } from './epoch.ts'
import { carriedOf, debtsOf, entriesOfLines, leavesOf } from './epochMapOf.ts'
import type { EpochSources } from './epochSources.ts'
import { entriesOf, pagesOf } from './mapPages.ts'
import { readDocument, readIfThere } from './readArtifacts.ts'

/** Where a published map and its recomputation differ. The pages that a document names are not read: those of the right map have the names that follow from
 *  the recomputation, so that it does not matter what others are, how many, or whether anybody has them. */

/** Is given a page of the map that is checked. */
export type KeepPage = (name: string, bytes: Uint8Array) => Promise<void>

interface Compared {
  row: RewardMap
  document: RewardMapDocument
  recomputed: ComputedEpoch
}

/** From cause to consequence. */
const LISTS = ['lines', 'leaves', 'carried', 'debts'] as const

/** Where a fact is on the chain and in the document, both must be right. The version of the rules is no part of it. */
export async function differenceOf(
  { row, document, recomputed }: Compared,
  sources: Pick<EpochSources, 'artifacts' | 'deployment'>,
  keep: KeepPage = async () => {},
): Promise<Difference | null> {
  for (const [place, onChain] of [
    ['epoch', row.epoch],
    ['chainId', recomputed.chainId],
    ['distributor', recomputed.distributor],
    ['fromBlock', row.firstBlock],
    ['toBlock', row.lastBlock],
    ['blockHash', row.blockHash],
  ] as const)
    for (const published of [document[place], onChain])
      if (published !== recomputed[place])
        return { place, published: String(published), recomputed: String(recomputed[place]) }
  for (const list of LISTS) {
    const given = document[list]
    const difference = Array.isArray(given)
      ? entryDifference(list, given, recomputed)
      : await pageDifference(list, given.pages, recomputed, sources, keep)
    if (difference) return difference
  }
  const ours = recomputed.map
  const theirs = { ...ours, root: document.root as `0x${string}`, total: BigInt(document.total) }
  return (
    firstDifference(theirs, ours) ??
    firstDifference({ ...ours, root: row.root as `0x${string}`, total: row.total }, ours)
  )
}

/** The first difference between published entries of a list and those of the map from `from` on, `count` of them. */
function entryDifference(
  list: MapList,
  published: readonly object[],
  { map, chainId, distributor, epoch }: ComputedEpoch,
  from = 0,
  count = Number.POSITIVE_INFINITY,
): Difference | null {
  const of = { chain: BigInt(chainId), distributor: distributor as `0x${string}`, epoch: BigInt(epoch) }
  const entries = {
    leaves: () => leavesOf(published as MapEntry<'leaves'>[], of),
    carried: () => carriedOf(published as MapEntry<'carried'>[]),
    debts: () => debtsOf(published as MapEntry<'debts'>[]),
    lines: () => entriesOfLines(published as MapEntry<'lines'>[]),
  }[list]()
  return firstDifference({ ...map, [list]: entries }, { ...map, [list]: map[list].slice(from, from + count) })
}

/** The first page with another name than that of the map. What it says instead is told where it can be read; it is read only then. */
async function pageDifference(
  list: MapList,
  names: readonly string[],
  computed: ComputedEpoch,
  { artifacts, deployment: { pageEntries = PAGE_ENTRIES } }: Pick<EpochSources, 'artifacts' | 'deployment'>,
  keep: KeepPage,
): Promise<Difference | null> {
  const entries = computed.map[list]
  let index = 0
  for (const bytes of pagesOf(list, entries, pageEntries)) {
    const published = names[index]
    if (published === undefined) break
    const recomputed = await nameOf(bytes)
    if (published !== recomputed) {
      const read = await readDocument(readIfThere(artifacts), published)
      const said = read && entriesOf(list, read)
      const within = said && entryDifference(list, said, computed, index * pageEntries, pageEntries)
      return within ?? { place: `page ${index + 1} of the ${list}`, published, recomputed }
    }
    await keep(recomputed, bytes)
    index++
  }
  const count = Math.ceil(entries.length / pageEntries)
  if (names.length === count) return null
  return { place: `the pages of the ${list}`, published: String(names.length), recomputed: String(count) }
}
