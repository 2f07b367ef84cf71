import { ArtifactError, type ArtifactStore } from '#schema/artifacts/index.ts'
import { documentBytes, parseDocument } from '#schema/documents.ts'
import { failFastList } from '#schema/failFastList.ts'
import {
  type MapEntry,
  type MapList,
  mapEntries,
  PAGE_ENTRIES,
  type RewardMapDocument,
  type WholeRewardMap,
} from '#schema/rewardMapDocument.ts'
import { type ArtifactReader, readDocument } from './readArtifacts.ts'

/** How the lists of a reward map are divided into pages, and read again, one page in memory at a time (protocol, step 10). */

/** A page is none: it has other entries than it should, or counts as absent. */
export class PageError extends ArtifactError {
  override name = 'PageError'
}

type Pages = { pages: string[] }

/** The bytes of the pages of a list. Amounts may be numbers or text; of a leaf, the page has what is not the same in all of them. */
export function* pagesOf(list: MapList, entries: readonly object[], pageEntries = PAGE_ENTRIES): Generator<Uint8Array> {
  for (let at = 0; at < entries.length; at += pageEntries) {
    const page = entries.slice(at, at + pageEntries)
    yield documentBytes(
      list === 'leaves' ? (page as Leaf[]).map(({ account, cumulative }) => ({ account, cumulative })) : page,
    )
  }
}

type Leaf = { account: string; cumulative: string | bigint }

/** Stores the pages of a map's long lists, and returns the document that names them. */
export async function storePages(
  store: Pick<ArtifactStore, 'put'>,
  map: WholeRewardMap,
  pageEntries = PAGE_ENTRIES,
): Promise<RewardMapDocument> {
  const document: RewardMapDocument = { ...map }
  for (const list of Object.keys(mapEntries) as MapList[]) {
    if (map[list].length <= pageEntries) continue
    const pages: string[] = []
    for (const bytes of pagesOf(list, map[list], pageEntries)) pages.push(await store.put(bytes))
    document[list] = { pages }
  }
  return document
}

/** The entries of a list of a map, in order, part by part.
 *  @throws PageError at the first page that is none; ArtifactError for one that cannot be read */
export async function* listParts<L extends MapList>(
  document: Pick<RewardMapDocument, L>,
  list: L,
  read: ArtifactReader,
  pageEntries = PAGE_ENTRIES,
): AsyncGenerator<MapEntry<L>[]> {
  const given = document[list] as MapEntry<L>[] | Pages
  if (Array.isArray(given)) yield given
  else
    for (const [index, name] of namesOf(list, given)) {
      const bytes = await readDocument(read, name)
      const page = bytes && entriesOf(list, bytes)
      const isLast = index === given.pages.length - 1
      if (!page?.length || page.length > pageEntries || (page.length < pageEntries && !isLast))
        noPage(name, index, list)
      yield page
    }
}

/** The names of the pages of a list. One page that is named 65,536 times would be a list of 2³² entries, for the price of one page.
 *  @throws PageError at the first that stands there again */
function* namesOf(list: MapList, { pages }: Pages): Generator<[index: number, name: string]> {
  const seen = new Set<string>()
  for (const [index, name] of pages.entries()) {
    if (seen.has(name)) noPage(name, index, list)
    seen.add(name)
    yield [index, name]
  }
}

function noPage(name: string, index: number, list: MapList): never {
  throw new PageError('corrupt', `Artifact ${name} is not page ${index + 1} of the ${list} of the map that names it.`)
}

/** What the bytes say as a page of a list; undefined when they are none. */
export function entriesOf<L extends MapList>(list: L, bytes: Uint8Array): MapEntry<L>[] | undefined {
  const parsed = parseDocument(failFastList(mapEntries[list]), bytes)
  return parsed.success ? (parsed.data as MapEntry<L>[]) : undefined
}

/** The entries of a list that name an account, in order. A page in which it does not stand is not parsed.
 *  @throws ArtifactError when a page cannot be read, or is none */
export async function entriesOfAccount<L extends 'leaves' | 'lines'>(
  document: Pick<RewardMapDocument, L>,
  list: L,
  account: string,
  read: ArtifactReader,
): Promise<MapEntry<L>[]> {
  const ofAccount = (entries: readonly MapEntry<L>[]) => entries.filter((one) => one.account === account)
  const given = document[list] as MapEntry<L>[] | Pages
  if (Array.isArray(given)) return ofAccount(given)
  const found: MapEntry<L>[][] = []
  for (const [index, name] of namesOf(list, given)) {
    const bytes = await readDocument(read, name)
    if (bytes && !Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(account)) continue
    found.push(ofAccount((bytes && entriesOf(list, bytes)) ?? noPage(name, index, list)))
  }
  return found.flat()
}
