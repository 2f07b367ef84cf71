import { StandardMerkleTree } from '@openzeppelin/merkle-tree'
import fc from 'fast-check'
import { getAddress, type Hex, pad, toHex } from 'viem'
import { expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { EMPTY_ROOT, leafHash, type RewardLeaf, RewardTree, verifyProof } from './merkle.ts'

const distributor = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'
const leaf = (i: number, cumulative: bigint): RewardLeaf => ({
  chain: 31337n,
  distributor,
  epoch: 3n,
  account: pad(toHex(BigInt(i) * 7919n + 1n), { size: 20 }),
  cumulative,
})

const theirs = (leaves: RewardLeaf[]) =>
  StandardMerkleTree.of(
    leaves.map((l) => [l.chain, l.distributor, l.epoch, l.account, l.cumulative]),
    ['uint256', 'address', 'uint256', 'address', 'uint256'],
  )

test('root, leaf hashes and proofs equal those of @openzeppelin/merkle-tree', () => {
  const amount = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), fc.bigInt({ min: 0n, max: 10n ** 20n }))
  fc.assert(
    fc.property(fc.array(amount, { minLength: 1, maxLength: 40 }), (amounts) => {
      const leaves = amounts.map((cumulative, i) => leaf(i, cumulative))
      const [ours, oracle] = [new RewardTree(leaves), theirs(leaves)]
      expect(ours.root).toBe(oracle.root)
      leaves.forEach((entry, i) => {
        expect(ours.proof(i)).toEqual(oracle.getProof(i))
        expect(verifyProof(ours.root, entry, ours.proof(i))).toBe(true)
      })
      expect(leafHash(must(leaves[0]))).toBe(
        oracle.leafHash([31337n, distributor, 3n, must(leaves[0]).account, must(amounts[0])]),
      )
    }),
    { numRuns: 60 },
  )
})

test('a proof does not fit another amount, account, epoch, chain, distributor or root', () => {
  const leaves = Array.from({ length: 9 }, (_, i) => leaf(i, BigInt(i) * 10n))
  const tree = new RewardTree(leaves)
  const [proof, claimed, neighbour] = [tree.proof(4), leaf(4, 40n), leaf(5, 50n)]
  const wrong: Partial<RewardLeaf>[] = [
    { cumulative: 41n },
    { account: neighbour.account },
    { epoch: 4n },
    { chain: 1n },
    { distributor: neighbour.account },
  ]
  for (const change of wrong) expect(verifyProof(tree.root, { ...claimed, ...change }, proof)).toBe(false)
  expect(verifyProof(EMPTY_ROOT, claimed, proof)).toBe(false)
  expect(verifyProof(tree.root, claimed, proof.slice(1))).toBe(false)
  expect(verifyProof(tree.root, claimed, ['0x12' as Hex, ...proof])).toBe(false)
  expect(
    verifyProof(
      tree.root,
      claimed,
      proof.map((sibling): Hex => `${sibling}00`),
    ),
  ).toBe(false)
  expect(
    verifyProof(
      tree.root,
      claimed,
      proof.map((sibling): Hex => `${sibling.slice(0, -1) as Hex}x`),
    ),
  ).toBe(false)
})

test('the case of addresses and the order of the input do not change the root', () => {
  const leaves = Array.from({ length: 20 }, (_, i) => leaf(i, BigInt(i)))
  const mixed = [...leaves].reverse().map((entry) => ({ ...entry, account: getAddress(entry.account) }))
  expect(new RewardTree(mixed).root).toBe(new RewardTree(leaves).root)
})

test('no accounts to pay, and invalid amounts and addresses', () => {
  expect(new RewardTree([]).root).toBe(pad('0x'))
  for (const cumulative of [2n ** 256n - 1n, 2n ** 256n - 2n ** 32n, 1n << 255n, 0n])
    expect(new RewardTree([leaf(1, cumulative)]).root).toBe(theirs([leaf(1, cumulative)]).root)
  for (const cumulative of [-1n, 2n ** 256n]) expect(() => new RewardTree([leaf(1, cumulative)])).toThrow(/uint256/)
  expect(() => new RewardTree([{ ...leaf(1, 1n), account: '0x1234' }])).toThrow(/not an address/)
  for (const wrong of '/:@G`gz .')
    for (const account of [`0x${wrong}${'0'.repeat(39)}`, `0x${'0'.repeat(39)}${wrong}`] as const)
      expect(() => new RewardTree([{ ...leaf(1, 1n), account }])).toThrow(/not an address/)
  expect(() => new RewardTree([]).proof(0)).toThrow(/no leaf 0/)
})
