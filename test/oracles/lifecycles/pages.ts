import { documentBytes } from '#schema/documents.ts'
import { BYTES, raw } from './hostileText.ts'
import type { RandomWorld } from './world.ts'

/** How the lists of a map are published in pages: mostly as the protocol says, otherwise as another hand would. */

type Document = Record<string, unknown>

/** So small that these lifecycles have pages; 0 for the law's. */
export const PAGE_SIZES = [0, 1, 2, 5]

/** The document, with lists that are longer than a page divided into pages of so many entries. */
export function paged<T extends Document>(world: RandomWorld, document: T, pageEntries: number): T {
  const { chance } = world
  if (pageEntries === 0) return document
  const changes: Document = {}
  const isFalse = chance.happens(25)
  for (const list of ['leaves', 'carried', 'debts', 'lines']) {
    const entries = document[list]
    if (!Array.isArray(entries) || entries.length === 0) continue
    if (entries.length <= pageEntries && !chance.happens(5)) continue
    const size = isFalse && chance.happens(20) ? pageEntries + 1 : pageEntries
    const pages = Array.from({ length: Math.ceil(entries.length / size) }, (_, n) =>
      world.put(pageOf(entries.slice(n * size, (n + 1) * size))),
    )
    changes[list] = isFalse && chance.happens(50) ? chance.of(CHANGES)(world, pages, entries) : { pages }
  }
  return { ...document, ...changes }
}

function pageOf(entries: readonly unknown[]): Uint8Array {
  try {
    return documentBytes(entries)
  } catch {
    return raw(entries) // what no canonical JSON can have
  }
}

const CHANGES: readonly ((world: RandomWorld, pages: string[], entries: readonly unknown[]) => unknown)[] = [
  (_, pages) => ({ pages: [...pages].reverse() }),
  (_, pages) => ({ pages: pages.slice(1) }),
  (_, pages) => ({ pages: [...pages, ...pages] }),
  (_, pages) => ({ pages: Array(5_000).fill(pages[0]) }),
  (_, pages) => ({ pages: Array(65_537).fill(pages[0]) }),
  (world, pages) => ({ pages: [...pages, world.put(raw([]))] }),
  (world, pages) => ({ pages: [...pages.slice(0, -1), world.put(raw({ pages }))] }),
  (world, pages, entries) => ({ pages: [...pages.slice(0, -1), world.put(raw(entries))] }),
  (world, pages, entries) => ({ pages: [...pages.slice(0, -1), world.put(raw([...entries.slice(-1), 7]))] }),
  (world, _, entries) => ({ pages: [world.put(world.chance.of(BYTES)(raw(entries.slice(0, 1)), world.chance))] }),
  (world, pages) => ({ pages: pages.with(world.chance.below(pages.length), `0x${'7'.repeat(64)}`) }),
  (world, pages) => ({ pages: pages.with(world.chance.below(pages.length), `0x${'7'.repeat(64)}`) }),
  (world, pages) => ({ pages: pages.with(world.chance.below(pages.length), 'x') }),
  (_, pages) => ({ pages, more: 1 }),
  (_, pages) => ({ pages: pages.map((name) => name.toUpperCase()) }),
  (_, pages) => ({ pages: pages[0] }),
  (_, pages) => pages,
  () => ({ pages: [] }),
  () => ({}),
]
