/** Rule 10 (reward map): the Merkle tree that people claim by. */
// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import type { Hex } from 'viem'
import { compareHashes, HASH_BYTES, hashOrder } from './hashOrder.ts'
import { keccak256Into } from './keccak.ts'
import { atOnce, type Steps } from './steps.ts'

/** The total that one account may claim under `epoch`'s map; `cumulative` in wei. */
export type RewardLeaf = { chain: bigint; distributor: Hex; epoch: bigint; account: Hex; cumulative: bigint }

/** Root of a map without leaves. */
export const EMPTY_ROOT: Hex = `0x${'0'.repeat(64)}`

/** 32-bit words of a hash. */
const WORDS = 8

/** A list of hashes in one buffer, with a view as words and as bytes. */
class Hashes {
  readonly words: Uint32Array
  readonly bytes: Uint8Array
  constructor(readonly count: number) {
    this.words = new Uint32Array(count * WORDS)
    this.bytes = new Uint8Array(this.words.buffer)
  }
}

/**
 * OpenZeppelin's standard Merkle tree over reward leaves. A leaf is `keccak256(keccak256(abi.encode(uint256 chain, address distributor,
 * uint256 epoch, address account, uint256 cumulative)))`. The leaves are sorted by hash and placed in reverse at the end of a complete
 * binary tree; a node hashes its two children, the smaller first. The root and every proof equal those of
 * `@openzeppelin/merkle-tree`, and `MerkleProof.sol` accepts them.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { type RewardLeaf, RewardTree, verifyProof } from '#rules/merkle.ts'
 *
 * const account = (n: number) => `0x${String(n).padStart(40, '0')}` as const
 * const leaf = (n: number): RewardLeaf => ({
 *   chain: 1n,
 *   distributor: account(9),
 *   epoch: 1n,
 *   account: account(n),
 *   cumulative: 5n,
 * })
 * const tree = new RewardTree([leaf(1), leaf(2), leaf(3)])
 * assert.ok(verifyProof(tree.root, leaf(2), tree.proof(1)))
 * assert.ok(!verifyProof(tree.root, leaf(4), tree.proof(1)))
 * ```
 */
export class RewardTree {
  private readonly nodes: Hashes
  private readonly places: Uint32Array

  constructor(
    readonly leaves: readonly RewardLeaf[],
    { nodes, places } = atOnce(treeOf(leaves)),
  ) {
    this.nodes = nodes
    this.places = places
  }

  get root(): Hex {
    return hexOf(this.nodes, 0)
  }

  /** The sibling hashes from the leaf at `index` of the input to the root. @throws RangeError when there is no such leaf. */
  proof(index: number): Hex[] {
    if (!(index in this.leaves)) throw new RangeError(`There is no leaf ${index}; the map has ${this.leaves.length}.`)
    const siblings: Hex[] = []
    for (let node = this.places[index]!; node > 0; node = (node - 1) >> 1)
      siblings.push(hexOf(this.nodes, node % 2 === 1 ? node + 1 : node - 1))
    return siblings
  }
}

/** A tree in steps. */
export function* rewardTreeSteps(leaves: readonly RewardLeaf[]): Steps<RewardTree> {
  return new RewardTree(leaves, yield* treeOf(leaves))
}

/** `nodes`: 2n − 1 of them, the root first; without leaves one of zeros, which is `EMPTY_ROOT`. `places`: the node number of each leaf, in the order of the
 *  input. */
function* treeOf(leaves: readonly RewardLeaf[]): Steps<{ nodes: Hashes; places: Uint32Array }> {
  const hashes = new Hashes(leaves.length)
  const encoded = new Hashes(5)
  leaves.forEach((leaf, i) => {
    hashLeaf(leaf, encoded, hashes, i)
  })
  yield
  const nodes = new Hashes(Math.max(1, 2 * leaves.length - 1))
  const places = new Uint32Array(leaves.length)
  hashOrder(hashes.bytes, leaves.length).forEach((leaf, rank) => {
    const place = nodes.count - 1 - rank
    places[leaf] = place
    for (let i = 0; i < WORDS; i++) nodes.words[place * WORDS + i] = hashes.words[leaf * WORDS + i]!
  })
  yield
  const pair = new Hashes(2)
  for (let node = leaves.length - 2; node >= 0; node--) hashPair(nodes, 2 * node + 1, 2 * node + 2, pair, node)
  return { nodes, places }
}

/** The hash of a leaf in the tree.
 *  @oracle RewardDistributor.leaf */
export function leafHash(leaf: RewardLeaf): Hex {
  const hash = new Hashes(1)
  hashLeaf(leaf, new Hashes(5), hash, 0)
  return hexOf(hash, 0)
}

/** Whether `proof` leads from `leaf` to `root`, as OpenZeppelin's `MerkleProof.verify` decides.
 *  @oracle RewardDistributor.claim */
export function verifyProof(root: Hex, leaf: RewardLeaf, proof: readonly Hex[]): boolean {
  const nodes = new Hashes(3)
  const pair = new Hashes(2)
  hashLeaf(leaf, new Hashes(5), nodes, 0)
  for (const sibling of proof) {
    if (sibling.length !== 66 || !writeHex(sibling, nodes.bytes, HASH_BYTES)) return false
    hashPair(nodes, 0, 1, pair, 2)
    nodes.words.copyWithin(0, 2 * WORDS)
  }
  return hexOf(nodes, 0) === root.toLowerCase()
}

function hashLeaf(leaf: RewardLeaf, encoded: Hashes, out: Hashes, at: number): void {
  writeUint(leaf.chain, encoded.words, 0)
  writeAddress(leaf.distributor, encoded.bytes, HASH_BYTES)
  writeUint(leaf.epoch, encoded.words, 2 * WORDS)
  writeAddress(leaf.account, encoded.bytes, 3 * HASH_BYTES)
  writeUint(leaf.cumulative, encoded.words, 4 * WORDS)
  keccak256Into(encoded.words, 0, 5 * WORDS, out.words, at * WORDS)
  keccak256Into(out.words, at * WORDS, WORDS, out.words, at * WORDS)
}

function hashPair(nodes: Hashes, left: number, right: number, pair: Hashes, parent: number): void {
  const swap = compareHashes(nodes.bytes, left, right) > 0
  const [low, high] = [(swap ? right : left) * WORDS, (swap ? left : right) * WORDS]
  for (let i = 0; i < WORDS; i++) {
    pair.words[i] = nodes.words[low + i]!
    pair.words[WORDS + i] = nodes.words[high + i]!
  }
  keccak256Into(pair.words, 0, 2 * WORDS, nodes.words, parent * WORDS)
}

const MAX_UINT256 = (1n << 256n) - 1n

function writeUint(value: bigint, words: Uint32Array, at: number): void {
  if (value < 0n || value > MAX_UINT256) throw new RangeError(`${value} does not fit uint256.`)
  for (let i = WORDS - 1; i >= 0; i--, value >>= 32n) {
    const word = value === 0n ? 0 : Number(BigInt.asUintN(32, value))
    words[at + i] = ((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)
  }
}

function writeAddress(address: Hex, out: Uint8Array, at: number): void {
  if (address.length !== 42 || !writeHex(address, out, at + 12)) throw new RangeError(`${address} is not an address.`)
}

function writeHex(hex: Hex, out: Uint8Array, at: number): boolean {
  for (let i = 2; i < hex.length; i += 2) {
    const byte = (digit(hex.charCodeAt(i)) << 4) | digit(hex.charCodeAt(i + 1))
    if (byte < 0) return false
    out[at + (i >> 1) - 1] = byte
  }
  return true
}

/** The value of a hexadecimal digit; negative for anything else. */
function digit(code: number): number {
  if (code <= 57) return code - 48
  const letter = code | 32
  return letter >= 97 && letter <= 102 ? letter - 87 : -1
}

// Browsers, too, have what writes a hash here: `Buffer` is Node's alone.
const DIGITS = new TextEncoder().encode('0123456789abcdef')
const written = new TextEncoder().encode(EMPTY_ROOT)
const decoder = new TextDecoder()

function hexOf({ bytes }: Hashes, at: number): Hex {
  for (let i = 0; i < HASH_BYTES; i++) {
    const byte = bytes[at * HASH_BYTES + i]!
    written[2 + 2 * i] = DIGITS[byte >> 4]!
    written[3 + 2 * i] = DIGITS[byte & 15]!
  }
  return decoder.decode(written) as Hex
}
