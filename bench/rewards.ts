import { StandardMerkleTree } from '@openzeppelin/merkle-tree'
import type { Hex } from 'viem'
import type { EpochFacts } from '#rules/epochFacts.ts'
import { type RewardLeaf, RewardTree, verifyProof } from '#rules/merkle.ts'
import { buildRewardMap, computeRewards } from '#rules/rewardMap.ts'
import { firstDifference } from '#rules/verification.ts'
import { type BenchReport, entry, figure, ratio } from './report.ts'

/** An epoch that pays a million accounts: the split, the Merkle tree with proofs, and the verification of a published map from its
 *  facts. The peer needs minutes for a million leaves, so both build the tree of a tenth of them; the roots must be equal. */
export async function run(): Promise<BenchReport> {
  const facts = epoch(ACCOUNTS)
  const { leaves } = buildRewardMap(facts)
  const some = leaves.slice(0, COMPARED)
  console.log(`Both trees of ${COMPARED} leaves have the root ${compareTrees(some)}`)

  const times = {
    split: [] as number[],
    tree: [] as number[],
    verify: [] as number[],
    'tree of a tenth': [] as number[],
  }
  const theirs: number[] = []
  for (let turn = 0; turn < RUNS; turn++) {
    times.split.push(seconds(() => computeRewards(facts)))
    times.tree.push(seconds(() => prove(leaves)))
    times['tree of a tenth'].push(seconds(() => prove(some)))
    const published = buildRewardMap(facts)
    times.verify.push(
      seconds(() => {
        if (firstDifference(published, buildRewardMap(facts)) !== null) throw new Error('The recomputed map differs.')
      }),
    )
    theirs.push(seconds(() => peerProve(some)))
    console.log(`turn ${turn + 1} of ${RUNS}`)
  }
  const ours = Object.fromEntries(Object.entries(times).map(([name, runs]) => [name, figure(runs, 's')]))
  const peer = figure(theirs, 's')
  return {
    bench: 'rewards',
    ours,
    peers: { '@openzeppelin/merkle-tree': { 'tree of a tenth': peer } },
    ratios: {
      '@openzeppelin/merkle-tree tree of a tenth': ratio(entry(ours, 'tree of a tenth'), peer, { lower: true }),
    },
    limit: { split: 10, tree: 10, verify: 10 },
    absent: [],
  }
}

const ACCOUNTS = 1_000_000
const COMPARED = ACCOUNTS / 10
const RUNS = 5
/** Every how many leaves one is proved. */
const EVERY = 10

const account = (n: number): Hex => `0x${n.toString(16).padStart(40, '0')}`

/** One model, to whose version a million contributors gave one sample each, and which one endpoint served. */
function epoch(accounts: number): EpochFacts {
  const ids = Array.from({ length: accounts }, (_, n) => String(n))
  const [treasury, owner, host] = [account(2 ** 40), account(2 ** 40 + 1), account(2 ** 40 + 2)]
  const terms = {
    platform: 500n,
    owner: 2_000n,
    stakers: 0n,
    data: 5_000n,
    validators: 0n,
    host: 3_000n,
    ancestors: 0n,
    dataByWeight: 10_000n,
    unattributedByWeight: false,
  }
  return {
    chain: 31_337n,
    distributor: account(99),
    epoch: 1n,
    treasury,
    usage: [{ endpointId: '1', versionId: '1', consumer: host, host, fees: 10n ** 24n }],
    receipts: [],
    versions: [
      {
        versionId: '1',
        modelId: '1',
        parentVersionId: null,
        weights: ids.map((contributionId, n) => ({ contributionId, weight: BigInt(1 + ((n * 7919) % 1_000_003)) })),
        judgements: [],
      },
    ],
    models: [{ modelId: '1', owner, terms, stakes: [] }],
    contributions: ids.map((contributionId, n) => ({ contributionId, contributor: account(n + 1_000) })),
    excluded: [],
    corrections: [],
    before: { accounts: [], carried: [], debts: [] },
  }
}

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

function peerProve(leaves: readonly RewardLeaf[]): Hex[][] {
  const tree = peerTree(leaves)
  return provedOf(leaves).map((index) => tree.getProof(index) as Hex[])
}

/** The root of both trees. @throws Error unless the roots are equal and the peer's proofs are valid here. */
function compareTrees(leaves: readonly RewardLeaf[]): Hex {
  const { root } = new RewardTree(leaves)
  const peer = peerTree(leaves)
  if (peer.root !== root) throw new Error(`Our root is ${root}, the peer's ${peer.root}.`)
  for (const [index, leaf] of leaves.entries())
    if (index % EVERY === 0 && !verifyProof(root, leaf, peer.getProof(index) as Hex[]))
      throw new Error(`The peer's proof of leaf ${index} is not valid here.`)
  return root
}

function seconds(work: () => unknown): number {
  const begin = performance.now()
  work()
  return (performance.now() - begin) / 1000
}
