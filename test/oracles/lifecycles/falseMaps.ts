import type { Hex } from 'viem'
import { RewardTree } from '#rules/merkle.ts'
import type { WholeRewardMap } from '#schema/rewardMapDocument.ts'
import type { SignedUsage } from '#schema/usageDocument.ts'
import { TEST_CHAIN_ID } from '#test/factory.ts'
import type { Publication } from './distributor.ts'
import { ADDRESSES } from './events.ts'
import { BYTES, IDS, NUMBERS, raw, verbatim } from './hostileText.ts'
import { paged } from './pages.ts'
import type { RandomWorld } from './world.ts'

type Document = { [K in keyof WholeRewardMap]: WholeRewardMap[K] | unknown }

/** What is published of a computed map: mostly that map, otherwise one that another hand wrote. Some of the false ones still give a state. */
export function publication(world: RandomWorld, map: WholeRewardMap, pageEntries: number): Publication {
  const { chance } = world
  const { available } = world.distributor
  const document = chance.happens(45) ? map : chance.of(CHANGES)(world, map)
  const bytes = raw(paged(world, document, pageEntries))
  const stored = chance.happens(94) ? bytes : chance.of(BYTES)(bytes, chance)
  const root = chance.happens(97) ? String(document.root ?? map.root) : `0x${'1'.repeat(64)}`
  return {
    root,
    leaves: root === map.root ? map.leaves : document.root === root ? leavesOf(document) : undefined,
    total: chance.happens(97) ? map.total : String(chance.upTo(chance.of([BigInt(map.total), available]))),
    uri: chance.happens(92) ? world.put(stored) : unreadableUri(world, stored),
  }
}

/** Those of a document whose root `withLeaves` has made. */
const leavesOf = ({ leaves }: Document) =>
  (leaves as WholeRewardMap['leaves']).every(({ cumulative }) => BigInt(cumulative) < 2n ** 256n)
    ? (leaves as WholeRewardMap['leaves'])
    : undefined

function unreadableUri(world: RandomWorld, bytes: Uint8Array): string {
  const name = world.put(bytes)
  return world.chance.of([
    '',
    'artifact',
    `${name} `,
    `ipfs://${name}`,
    name.toUpperCase(),
    name.slice(0, -1),
    name.replace('0x', '0X'),
    `0x${'7'.repeat(64)}`,
  ])
}

/** The root of these leaves, where they are amounts of a tree. */
function rootOf(epoch: number, leaves: readonly { account: string; cumulative: string }[]): string {
  const [chain, distributor] = [BigInt(TEST_CHAIN_ID), ADDRESSES.RewardDistributor]
  const entries = leaves.map(({ account, cumulative }) => ({ account: account as Hex, cumulative: BigInt(cumulative) }))
  if (entries.some(({ cumulative }) => cumulative >= 2n ** 256n)) return `0x${'0'.repeat(64)}`
  return new RewardTree(entries.map((entry) => ({ chain, distributor, epoch: BigInt(epoch), ...entry }))).root
}

const withLeaves = (map: WholeRewardMap, leaves: WholeRewardMap['leaves']): Document => ({
  ...map,
  leaves,
  root: rootOf(map.epoch, leaves),
})

const CHANGES: readonly ((world: RandomWorld, map: WholeRewardMap) => Document)[] = [
  // debts
  ...Array(4).fill(({ chance, people }: RandomWorld, map: WholeRewardMap) => ({
    ...map,
    debts: chance.times(4, () => ({
      account: chance.of(people),
      amount: chance.of(['0', '1', '007', String(chance.amount()), String(chance.amount()), '9'.repeat(78)]),
      to: chance.happens(50) ? null : chance.of(people),
      reason: chance.of([
        '',
        'upheld',
        ' ~ ',
        'x'.repeat(200),
        'x'.repeat(200),
        'dispute 7',
        ...(chance.happens(10) ? ['x'.repeat(201), 'ä', '\n'] : []),
      ]),
    })),
  })),
  // what is carried, elsewhere but in sum the same
  ...Array(3).fill(({ chance }: RandomWorld, map: WholeRewardMap) => ({
    ...map,
    carried: map.carried.flatMap((entry) => {
      const part = chance.upTo(BigInt(entry.amount))
      return [
        { ...entry, amount: String(BigInt(entry.amount) - part) },
        {
          versionId: chance.happens(80) ? String(chance.below(8)) : chance.of(IDS),
          pot: chance.of([
            'owner',
            'stakers',
            'answers',
            'data',
            'validators',
            'host',
            'rest',
            'rest',
            ...(chance.happens(5) ? ['platform', ''] : []),
          ]),
          amount: String(part),
        },
      ]
    }),
  })),
  // what the lines say was paid, to whom, and for what
  ...Array(6).fill(({ chance, people }: RandomWorld, map: WholeRewardMap) => ({
    ...map,
    lines: map.lines.map((line) =>
      chance.happens(50)
        ? line
        : chance.of([
            { ...line, amount: `-${line.amount}` },
            { ...line, amount: chance.of(['0', '-0', '-1', '007', String(chance.amount()), '9'.repeat(78)]) },
            { ...line, amount: chance.happens(90) ? line.amount : `-${'9'.repeat(79)}` },
            { ...line, account: chance.of(people) },
            { ...line, source: { ...line.source, id: chance.happens(80) ? String(chance.below(8)) : chance.of(IDS) } },
            { ...line, source: { ...line.source, kind: chance.of(['contribution', 'task', 'stake', 'correction']) } },
          ]),
    ),
  })),
  // leaves, with their root
  ({ chance }, map) =>
    withLeaves(
      map,
      map.leaves.map((leaf) => ({ ...leaf, cumulative: chance.happens(50) ? `0${leaf.cumulative}` : leaf.cumulative })),
    ),
  ({ chance }, map) => {
    const [one, other] = [chance.below(map.leaves.length || 1), chance.below(map.leaves.length || 1)]
    const amounts = map.leaves.map(({ cumulative }) => BigInt(cumulative))
    const part = chance.upTo(amounts[one] ?? 0n)
    if (one !== other) [amounts[one], amounts[other]] = [(amounts[one] ?? 0n) - part, (amounts[other] ?? 0n) + part]
    return withLeaves(
      map,
      map.leaves.map((leaf, i) => ({ ...leaf, cumulative: String(amounts[i]) })),
    )
  },
  (_, map) => withLeaves(map, [...map.leaves].reverse()),
  (_, map) => withLeaves(map, [...map.leaves, ...map.leaves.slice(-1).map((leaf) => ({ ...leaf, cumulative: '0' }))]),
  (_, map) => withLeaves(map, [{ account: `0x${'0'.repeat(40)}`, cumulative: '0' }, ...map.leaves]),
  (_, map) => withLeaves(map, map.leaves.slice(1)),
  (_, map) => withLeaves(map, []),
  (_, map) => ({ ...map, leaves: map.leaves.map((leaf) => ({ ...leaf, cumulative: '9'.repeat(78) })) }),
  (_, map) => ({ ...map, leaves: map.leaves.map((leaf) => ({ ...leaf, account: leaf.account.toUpperCase() })) }),
  // numbers as other programs write them
  (_, map) => ({ ...map, total: `00${map.total}` }),
  ({ chance }, map) => ({ ...map, epoch: verbatim(chance.of([`${map.epoch}.0`, `${map.epoch}e0`, ...NUMBERS])) }),
  ({ chance }, map) => ({ ...map, toBlock: verbatim(chance.of([`${map.toBlock}.0`, ...NUMBERS])) }),
  ({ chance }, map) => ({ ...map, fromBlock: chance.of([map.fromBlock + 1, -1, 0.5]) }),
  // other parts
  (_, map) => ({ ...map, total: String(BigInt(map.total) + 1n) }),
  (_, map) => ({ ...map, carried: [] }),
  (_, map) => ({ ...map, carried: [...map.carried].reverse() }),
  (_, map) => ({ ...map, lines: [] }),
  (_, map) => ({ ...map, lines: [...map.lines].reverse() }),
  (_, map) => ({ ...map, lines: map.lines.map((line) => ({ ...line, pot: `0${line.pot}` })) }),
  (_, map) => ({ ...map, lines: map.lines.map((line) => ({ ...line, role: `${line.role}\ud800` })) }),
  (_, map) => ({ ...map, lines: [...map.lines, {}] }),
  (_, map) => ({ ...map, usage: [] }),
  (_, map) => ({ ...map, usage: [...map.usage].reverse() }),
  (_, map) => ({ ...map, usage: [...map.usage, ...map.usage] }),
  (_, map) => ({ ...map, usage: map.usage.map((one) => ({ ...one, signature: one.signature.toUpperCase() })) }),
  (_, map) => ({ ...map, usage: map.usage.map(({ document }) => document) as unknown as SignedUsage[] }),
  (_, map) => ({ ...map, usage: map.usage.map(({ document }) => ({ document })) as SignedUsage[] }),
  (_, map) => ({ ...map, usage: map.usage.map((one) => ({ ...one, more: 1 })) }),
  (_, map) => ({ ...map, usage: map.usage[0] ? Array(1_001).fill(map.usage[0]) : [] }),
  (_, map) => ({ ...map, absent: [...map.absent, ...map.usage.map(({ document }) => document)] }),
  (_, map) => ({ ...map, absent: ['0x'] }),
  (_, map) => ({ ...map, distributor: map.distributor.toUpperCase() }),
  (_, map) => ({ ...map, chainId: map.chainId + 1 }),
  (_, map) => ({ ...map, blockHash: `0x${'1'.repeat(64)}` }),
  (_, map) => ({ ...map, codeHash: undefined }),
  (_, map) => ({ ...map, codeHash: `0x${'1'.repeat(64)}` }),
  (_, map) => ({ ...map, more: 1 }),
  () => ({ usage: [], absent: [] }) as unknown as Document,
]
