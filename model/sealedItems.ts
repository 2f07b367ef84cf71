import type { SealedSet } from './readFolder.ts'

/** What is sealed of a set, and of the decoys among it. */
export const sealedItems = ({ salt, items }: SealedSet, decoys: SealedSet['items'] = []) => {
  const plain = (some: SealedSet['items']) => some.map(({ sample }) => sample)
  return { salt, items: plain(items), ...(decoys.length > 0 && { decoys: plain(decoys) }) }
}
