import { StandardMerkleTree } from '@openzeppelin/merkle-tree'
import type { Hex } from 'viem'
import { type RewardLeaf, RewardTree, verifyProof } from '#rules/merkle.ts'
import { type Figure, secondsOf } from '../report.ts'

/** Program: the tree of 100,000 leaves with the proofs of a tenth of them, by ours and by OpenZeppelin's. The roots must be equal, and the peer's proofs
 *  valid here. Sends `TreeTimes` to its parent. */

export interface TreeTimes {
  ours: Figure
  peer: Figure
}

const LEAVES = 100_000
const RUNS = 5
/** Every how many leaves one is proved. */
const EVERY = 10

const leaves: RewardLeaf[] = Array.from({ length: LEAVES }, (_, n) => ({
  chain: 31_337n,
  distributor: account(99),
  epoch: 2n,
  account: account(n + 1000),
  cumulative: 10n ** 18n + BigInt((n * 7919) % 1_000_003),
}))
const proved = [...leaves.keys()].filter((index) => index % EVERY === 0)

function account(n: number): Hex {
  return `0x${n.toString(16).padStart(40, '0')}`
}

function prove(): ProvenRoot {
  const tree = new RewardTree(leaves)
  return { root: tree.root, proofs: proved.map((index) => tree.proof(index)) }
}

interface ProvenRoot {
  root: string
  proofs: Hex[][]
}

const TYPES = ['uint256', 'address', 'uint256', 'address', 'uint256']

function peerProve(): ProvenRoot {
  const tree = StandardMerkleTree.of(
    leaves.map(({ chain, distributor, epoch, account, cumulative }) => [
      chain,
      distributor,
      epoch,
      account,
      cumulative,
    ]),
    TYPES,
  )
  return { root: tree.root, proofs: proved.map((index) => tree.getProof(index) as Hex[]) }
}

/** @throws Error unless the roots are equal and the peer's proofs are valid here. */
function compare(ours: ProvenRoot | undefined, peer: ProvenRoot | undefined): void {
  if (!ours || peer?.root !== ours.root) throw new Error(`Our root is ${ours?.root}, the peer's ${peer?.root}.`)
  for (const [nth, index] of proved.entries())
    if (!verifyProof(peer.root as Hex, leaves[index] as RewardLeaf, peer.proofs[nth] ?? []))
      throw new Error(`The peer's proof of leaf ${index} is not valid here.`)
}

let [ours, peers]: (ProvenRoot | undefined)[] = []
const times: TreeTimes = {
  ours: await secondsOf(RUNS, () => {
    ours = prove()
  }),
  peer: await secondsOf(1, () => {
    peers = peerProve()
  }),
}
compare(ours, peers)
process.send?.(times, () => process.disconnect())
