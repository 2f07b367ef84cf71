import { StandardMerkleTree } from '@openzeppelin/merkle-tree'
import type { Hex } from 'viem'
import { epochFacts } from '#epochs/epochFacts.ts'
import { epochBlocks } from '#epochs/epochSources.ts'
import { type RewardLeaf, RewardTree, verifyProof } from '#rules/merkle.ts'
import { buildRewardMap, computeRewards } from '#rules/rewardMap.ts'
import { type BenchReport, type Figure, figure, ratio } from './report.ts'
import { inIndex, LAST_EPOCH, requireRight } from './rewards/largeEpochs.ts'

/** An epoch that pays a million accounts, after another that did so: `verify` is all that a stranger does who has an index and the documents; `map`
 *  recomputes the map from facts at hand. The peer needs minutes for a million leaves, so both build the tree of a tenth of them; the roots
 *  must be equal. */
export async function run(): Promise<BenchReport> {
  const { verify, facts } = await inIndex(ACCOUNTS, async (sources) => {
    const verify = await timesOf(1, () => requireRight(sources))
    const blocks = await epochBlocks(sources, LAST_EPOCH)
    return { verify, facts: await epochFacts(sources, blocks, [], (name) => sources.artifacts.get(name)) }
  })
  const { leaves } = buildRewardMap(facts)
  const some = leaves.slice(0, ACCOUNTS / 10)
  const map = await timesOf(RUNS, () => buildRewardMap(facts))
  const split = await timesOf(RUNS, () => computeRewards(facts))
  const tree = await timesOf(RUNS, () => prove(leaves))
  const tenth = await timesOf(RUNS, () => prove(some))
  let peerProofs: ProvenRoot | undefined
  const peer = await timesOf(1, () => {
    peerProofs = peerProve(some)
  })
  console.log(`Both trees of ${some.length} leaves have the root ${compare(some, peerProofs)}`)
  return {
    bench: 'rewards',
    ours: { verify, map, split, tree, [TENTH]: tenth },
    peers: { [PEER]: { [TENTH]: peer } },
    ratios: { [`${PEER} ${TENTH}`]: ratio(tenth, peer, { lower: true }) },
    limit: { verify: 60, map: 10 },
    absent: ['verify, the index: a chain is indexed at the speed of `npm run bench -- index`'],
  }
}

const ACCOUNTS = 1_000_000
const PEER = '@openzeppelin/merkle-tree'
const TENTH = 'tree of a tenth'
const RUNS = 2
/** Every how many leaves one is proved. */
const EVERY = 10

const provedOf = (leaves: readonly RewardLeaf[]) => [...leaves.keys()].filter((index) => index % EVERY === 0)

function prove(leaves: readonly RewardLeaf[]): Hex[][] {
  const tree = new RewardTree(leaves)
  return provedOf(leaves).map((index) => tree.proof(index))
}

const TYPES = ['uint256', 'address', 'uint256', 'address', 'uint256']
const peerTree = (leaves: readonly RewardLeaf[]) =>
  StandardMerkleTree.of(
    leaves.map(({ chain, distributor, epoch, account, cumulative }) => [
      chain,
      distributor,
      epoch,
      account,
      cumulative,
    ]),
    TYPES,
  )

interface ProvenRoot {
  root: string
  proofs: Hex[][]
}

function peerProve(leaves: readonly RewardLeaf[]): ProvenRoot {
  const tree = peerTree(leaves)
  return { root: tree.root, proofs: provedOf(leaves).map((index) => tree.getProof(index) as Hex[]) }
}

/** The root of both trees. @throws Error unless the roots are equal and the peer's proofs are valid here. */
function compare(leaves: readonly RewardLeaf[], peer: ProvenRoot | undefined): Hex {
  const { root } = new RewardTree(leaves)
  if (peer?.root !== root) throw new Error(`Our root is ${root}, the peer's ${peer?.root}.`)
  for (const [nth, index] of provedOf(leaves).entries())
    if (!verifyProof(root, leaves[index] as RewardLeaf, peer.proofs[nth] ?? []))
      throw new Error(`The peer's proof of leaf ${index} is not valid here.`)
  return root
}

async function timesOf(runs: number, work: () => unknown): Promise<Figure> {
  const seconds: number[] = []
  for (let run = 0; run < runs; run++) {
    const begin = performance.now()
    await work()
    seconds.push((performance.now() - begin) / 1000)
  }
  return figure(seconds, 's')
}
