import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { epochFacts } from '#epochs/epochFacts.ts'
import { epochBlocks } from '#epochs/epochSources.ts'
import { buildRewardMap } from '#rules/rewardMap.ts'
import { atLeast, atMost, type BenchReport, ratio, secondsOf } from './report.ts'
import { inIndex, LAST_EPOCH, requireRight } from './rewards/largeEpochs.ts'
import type { TreeTimes } from './rewards/trees.ts'

/** An epoch that pays a million accounts, after another that did so: `verify` is all that a stranger does who has an index and the documents; `map`
 *  recomputes the map from facts at hand. While both epochs are published, which nobody measures, both trees of 100,000 leaves are built by another
 *  process, one after the other. */
export async function run(): Promise<BenchReport> {
  const began = performance.now()
  const trees = treeTimes()
  trees.catch(() => {}) // it is thrown below, where the database is stopped
  const { verify, map } = await inIndex(ACCOUNTS, async (sources) => {
    await trees
    const verify = await secondsOf(1, () => requireRight(sources))
    const blocks = await epochBlocks(sources, LAST_EPOCH)
    const facts = await epochFacts(sources, blocks, [], (name) => sources.artifacts.get(name))
    return { verify, map: await secondsOf(1, () => buildRewardMap(facts)) }
  })
  const { ours, peer } = await trees
  const times = ratio(ours, peer, { lower: true })
  return {
    bench: 'rewards',
    ours: { verify, map, [TREE]: ours },
    peers: { [PEER]: { [TREE]: peer } },
    ratios: { [`${PEER} ${TREE}`]: times },
    limit: { verify: 60, map: 10 },
    absent: ['verify, the index: a chain is indexed at the speed of `npm run bench -- index`'],
    goals: {
      [TREE]: atLeast(50, times),
      verify: atMost(60, verify.median),
      map: atMost(10, map.median),
      seconds: atMost(180, (performance.now() - began) / 1000),
    },
  }
}

const ACCOUNTS = 1_000_000
const PEER = '@openzeppelin/merkle-tree'
const TREE = 'tree of 100,000 leaves'

/** @throws Error when the trees differ. */
async function treeTimes(): Promise<TreeTimes> {
  const child = fork(fileURLToPath(new URL('rewards/trees.ts', import.meta.url)), { execArgv: ['--import', 'tsx'] })
  const exit = once(child, 'exit')
  const [times] = await Promise.race([once(child, 'message'), exit.then(([code]) => [code])])
  if (typeof times !== 'object') throw new Error(`bench/rewards/trees.ts ended with ${times}. It says why above.`)
  await exit
  return times as TreeTimes
}
