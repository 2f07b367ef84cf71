import type { Difference } from '#rules/verification.ts'
import { ArtifactError } from '#schema/artifacts/index.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { rowsOf } from '#schema/rows.ts'
import { checkEpoch } from './checkEpoch.ts'
import type { KeepPage } from './compareMap.ts'
import type { EpochSources } from './epochSources.ts'
import { isOverdue, presumeMissing } from './presumeMissing.ts'

/** Recomputes every published reward map within its challenge window (rule 11, amendment 12a). */

/** What is known about a published map. `unknown`: it cannot be checked yet, for `reason`. */
export type MapVerdict = { epoch: number; root: string } & (
  | { verdict: 'right' }
  | { verdict: 'wrong'; difference: Difference }
  | { verdict: 'unknown'; reason: string }
)

export interface MapWatch {
  /** Checks the maps that can still be disputed. A map that was found right is not checked again. */
  round(): Promise<MapVerdict[]>
}

interface MapWatchOptions extends EpochSources {
  /** Seconds in which a map can be disputed. */
  challengeWindow: number
  /** Seconds in which it can be disputed again after a dispute about it failed. */
  reopenTime: number
  /** The time of the chain's latest block, unix seconds. */
  now(): Promise<number>
  /** Is given the pages of each right map, so that nobody can withhold them. */
  keep?: KeepPage
}

/** Published maps in their window, and those that are held by a dispute that is open or failed. */
const DISPUTABLE = `status = 'Published' and (published_at > to_timestamp($1) or exists (
  select from dispute where dispute.to_block is null and subject = 'RewardMap' and subject_id = reward_map.id
    and (outcome = 'Open' or outcome in ('Rejected', 'Lapsed') and resolved_at > to_timestamp($2))))`

export function watchMaps({ challengeWindow, reopenTime, now, keep, ...sources }: MapWatchOptions): MapWatch {
  const right = new Set<string>()
  return {
    async round() {
      const time = await now()
      const open = await rowsOf(sources.sql, RewardMap, DISPUTABLE, [time - challengeWindow, time - reopenTime])
      const verdicts: MapVerdict[] = []
      for (const map of open.sort((a, b) => a.epoch - b.epoch)) {
        const key = publicationOf(map)
        const found = right.has(key) ? rightMap(map) : await judge(sources, map, time, keep)
        if (found.verdict === 'right') right.add(key)
        verdicts.push(found)
      }
      return verdicts
    },
  }
}

/** All that a publication says: a cancelled epoch may be published again with only one of them changed. */
const publicationOf = ({ epoch, root, total, uri, firstBlock, lastBlock, blockHash, publisher }: RewardMap) =>
  [epoch, root, total, uri, firstBlock, lastBlock, blockHash, publisher].join(' ')

const named = ({ epoch, root }: RewardMap) => ({ epoch, root: root ?? '' })
const rightMap = (map: RewardMap): MapVerdict => ({ ...named(map), verdict: 'right' })

/** A map that nobody can check is wrong once its artifacts were missing for 72 hours. */
async function judge(sources: EpochSources, map: RewardMap, time: number, keep?: KeepPage): Promise<MapVerdict> {
  const artifacts = presumeMissing(sources.artifacts, async () => isOverdue(map, time))
  try {
    const { difference } = await checkEpoch({ ...sources, artifacts }, map.epoch, keep)
    return difference ? { ...named(map), verdict: 'wrong', difference } : rightMap(map)
  } catch (error) {
    if (error instanceof ArtifactError && isOverdue(map, time)) {
      const difference = { place: 'an artifact of the map', published: error.message, recomputed: 'bytes of its name' }
      return { ...named(map), verdict: 'wrong', difference }
    }
    // Whatever it is, such as an earlier map that was cancelled meanwhile: it must not keep the other maps from being checked.
    return { ...named(map), verdict: 'unknown', reason: (error as Error).message }
  }
}
