import { checkEpoch } from '#epochs/checkEpoch.ts'
import { isOverdue, presumeMissing } from '#epochs/presumeMissing.ts'
import { ArtifactError } from '#schema/artifacts/index.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { rowOf } from '#schema/rows.ts'
import { type OwnIndex, type OwnIndexOptions, onOwnIndex } from './ownIndex.ts'

/** Exit codes of `verify EPOCH` and of `watch --once`. */
export const WRONG_MAP = 1
export const UNCHECKABLE_MAP = 2

/** `modelcommons verify EPOCH`: checks that the published map follows from the facts on the chain. */
export async function verify(epoch: number, options: OwnIndexOptions): Promise<void> {
  try {
    const { root, recomputedRoot, difference } = await onOwnIndex(options, (own) => check(own, epoch))
    console.log(`Published   ${root}\nRecomputed  ${recomputedRoot}`)
    if (difference === null) return console.log(`Epoch ${epoch} is right.`)
    const { place, published, recomputed } = difference
    console.error(`First difference at ${place}: published ${published}, recomputed ${recomputed}.`)
    console.error(`Epoch ${epoch} is wrong: its map does not follow from the chain. Open a dispute (ground: root).`)
    process.exitCode = WRONG_MAP
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error
    console.error(`Epoch ${epoch} cannot be checked: ${error.message}`)
    process.exitCode = UNCHECKABLE_MAP
  }
}

async function check(own: OwnIndex, epoch: number) {
  const map = await rowOf(own.sql, RewardMap, String(epoch))
  const artifacts = presumeMissing(own.artifacts, async () => map !== undefined && isOverdue(map, await own.now()))
  return checkEpoch({ ...own, artifacts }, epoch)
}
