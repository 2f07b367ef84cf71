/** Rule 11 (verification): where a published reward map and its recomputation differ. */

import type { Hex } from 'viem'
import type { EpochRewardMap } from './rewardMap.ts'

/** The first difference between a published reward map and its recomputation, from cause to consequence: the entries (why), the leaves (how
 *  much), what is carried and owed, the total, the root. Several values of one name are listed together. The order counts, too: debts are
 *  paid in it, and a map whose leaves are in another order gives no state to the next epoch. */
export type Difference = { place: string; published: string; recomputed: string }

/**
 * Compares two reward maps; `null` when they are the same.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import type { EpochRewardMap } from '#rules/rewardMap.ts'
 * import { firstDifference } from '#rules/verification.ts'
 *
 * const map: EpochRewardMap = { leaves: [], root: '0x00', total: 5n, treasury: 0n, carried: [], debts: [], lines: [] }
 * assert.equal(firstDifference(map, map), null)
 * assert.deepEqual(firstDifference(map, { ...map, total: 6n }), { place: 'total', published: '5', recomputed: '6' })
 * ```
 */
export function firstDifference(published: EpochRewardMap, recomputed: EpochRewardMap): Difference | null {
  for (const view of VIEWS) {
    const [theirs, ours] = [view.items(published), view.items(recomputed)]
    if (isSame(theirs, ours)) continue
    for (const valuesOf of view.values) {
      const found = firstOf(valuesOf(published), valuesOf(recomputed))
      if (found !== null) return found
    }
    return orderOf(view.list, theirs, ours)
  }
  return null
}

type Values = (map: EpochRewardMap) => Map<string, string>

/** A map as named values, one view for each step of its computation. Names are written only for views that differ. */
const VIEWS: readonly {
  list: string
  items: (map: EpochRewardMap) => readonly unknown[]
  values: readonly Values[]
}[] = [
  {
    list: 'lines',
    items: (map) => map.lines,
    values: [
      (map) => named(map.lines, lineName, (line) => line.amount),
      (map) => named(map.lines, lineName, ({ pot, weight, whole }) => `⌊${pot} × ${weight} / ${whole}⌋`),
    ],
  },
  {
    list: 'leaves',
    items: (map) => map.leaves,
    values: [
      (map) =>
        named(
          map.leaves,
          (leaf) => `leaf of ${leaf.account}`,
          (leaf) => `${leaf.cumulative} (chain ${leaf.chain}, epoch ${leaf.epoch}, distributor ${leaf.distributor})`,
        ),
    ],
  },
  {
    list: 'carried',
    items: (map) => map.carried,
    values: [
      (map) =>
        named(
          map.carried,
          (carried) => `carried in ${carried.pot} of version ${carried.versionId}`,
          (carried) => carried.amount,
        ),
    ],
  },
  {
    list: 'debts',
    items: (map) => map.debts,
    values: [
      (map) =>
        named(
          map.debts,
          (debt) => `debt of ${debt.account} for ${debt.reason}`,
          (debt) => `${debt.amount} to ${debt.to ?? 'the treasury'}`,
        ),
    ],
  },
  {
    list: 'sums',
    items: ({ total, root }) => [total, root],
    values: [
      (map) =>
        new Map([
          ['total', `${map.total}`],
          ['root', map.root],
        ]),
    ],
  },
]

/** The first place in which lists with the same items differ. */
function orderOf(list: string, published: readonly unknown[], recomputed: readonly unknown[]): Difference {
  const place = published.findIndex((item, i) => !isSame(item, recomputed[i])) + 1
  return {
    place: `the order of the ${list}, from number ${place} on`,
    published: 'another',
    recomputed: 'by the protocol',
  }
}

function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || a === null) return a === b
  const [ours, theirs] = [a as Record<string, unknown>, Object(b) as Record<string, unknown>]
  // The keys of a list of millions would be millions of texts.
  if (Array.isArray(a)) return a.length === theirs.length && a.every((item, place) => isSame(item, theirs[place]))
  const keys = Object.keys(a)
  return keys.length === Object.keys(theirs).length && keys.every((key) => isSame(ours[key], theirs[key]))
}

const lineName = (line: {
  account: Hex
  role: string
  versionId: string | null
  source: { kind: string; id: string }
}) =>
  `${word(line.role)} of ${line.account} from ${word(line.source.kind)} ${word(line.source.id)}` +
  (line.versionId === null ? '' : ` in version ${line.versionId}`)

/** A document may state any text: quoted unless it is one word, so that different lines have different names. */
const word = (text: string) => (/^[\w.:-]+$/.test(text) ? text : JSON.stringify(text))

function named<T>(items: readonly T[], name: (item: T) => string, value: (item: T) => unknown): Map<string, string> {
  const map = new Map<string, string>()
  for (const item of items) {
    const before = map.get(name(item))
    map.set(name(item), before === undefined ? String(value(item)) : `${before}, ${value(item)}`)
  }
  return map
}

function firstOf(published: Map<string, string>, recomputed: Map<string, string>): Difference | null {
  for (const place of [...new Set([...published.keys(), ...recomputed.keys()])].sort()) {
    const [ours, theirs] = [recomputed.get(place) ?? 'nothing', published.get(place) ?? 'nothing']
    if (ours !== theirs) return { place, published: theirs, recomputed: ours }
  }
  return null
}
