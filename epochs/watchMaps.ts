import type { Difference } from '#rules/verification.ts'
import { ArtifactError } from '#schema/artifacts/index.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { rowOf, rowsOf } from '#schema/rows.ts'
import { checkEpoch } from './checkEpoch.ts'
import type { KeepPage } from './compareMap.ts'
import type { EpochSources } from './epochSources.ts'
import { isOverdue, presumeMissing } from './presumeMissing.ts'

/** Recomputes every published reward map within its challenge window (rule 11, amendment 12a). */

/** What is known about a published map, with what tells its publication from others of its epoch. `unknown`: it cannot be checked yet, for `reason`. */
export type MapVerdict = { epoch: number; root: string; publishedAt: Date | null } & (
  | { verdict: 'right' }
  | { verdict: 'wrong'; difference: Difference }
  | { verdict: 'unknown'; reason: string }
)

export interface MapWatch {
  /** Checks the maps that can still be disputed, the oldest first. A map that was found right is not checked again.
   *  @param found is given each verdict before the next map is checked: so one that takes long delays no dispute about another */
  round(found?: (verdict: MapVerdict) => Promise<void>): Promise<MapVerdict[]>
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
  const watchedSince = new Map<string, number>()
  return {
    async round(found = async () => {}) {
      const time = await now()
      const open = await rowsOf(sources.sql, RewardMap, DISPUTABLE, [time - challengeWindow, time - reopenTime])
      const verdicts: MapVerdict[] = []
      for (const map of open.sort((a, b) => a.epoch - b.epoch)) {
        const before = await rowOf(sources.sql, RewardMap, String(map.epoch - 1))
        const key = [map, before].map(publicationOf).join(' after ')
        const since = watchedSince.get(key) ?? time
        watchedSince.set(key, since)
        const awaited = time - since >= PATIENCE_SECONDS || time >= endOf(map, challengeWindow) - PATIENCE_SECONDS
        const verdict = right.has(key) ? rightMap(map) : await judge(sources, map, { time, awaited }, keep)
        if (verdict.verdict === 'right') right.add(key)
        await found(verdict)
        verdicts.push(verdict)
      }
      return verdicts
    },
  }
}

/** How long a watcher itself asks for an artifact before a mirror that is away counts as having none, unless the window ends before: one that begins late may
 *  have met the mirror in a bad hour. */
const PATIENCE_SECONDS = 12 * 3600

const endOf = ({ publishedAt }: RewardMap, challengeWindow: number) =>
  (publishedAt?.getTime() ?? 0) / 1000 + challengeWindow

/** All that a publication says, and when. A cancelled epoch may be published again with only one of them changed, or as it was, after another map of the
 *  epoch before: then it begins from another state. */
const publicationOf = (map: RewardMap | undefined) =>
  map &&
  [
    ...[map.epoch, map.root, map.total, map.uri, map.firstBlock, map.lastBlock, map.blockHash, map.publisher],
    map.publishedAt?.getTime(),
  ].join(' ')

const named = ({ epoch, root, publishedAt }: RewardMap) => ({ epoch, root: root ?? '', publishedAt })
const rightMap = (map: RewardMap): MapVerdict => ({ ...named(map), verdict: 'right' })

/** A map that nobody can check is wrong once its artifacts were missing for 72 hours. */
async function judge(
  sources: EpochSources,
  map: RewardMap,
  { time, awaited }: { time: number; awaited: boolean },
  keep?: KeepPage,
): Promise<MapVerdict> {
  const artifacts = presumeMissing(sources.artifacts, async () => awaited && isOverdue(map, time))
  try {
    const { difference, hidden } = await checkEpoch({ ...sources, artifacts }, map.epoch, keep)
    if (difference && hidden.length > 0 && !isOverdue(map, time))
      return {
        ...named(map),
        verdict: 'unknown',
        reason: `The map lists ${hidden.join(', ')} as absent. It is wrong without ${hidden.length > 1 ? 'them' : 'it'}, and may be right once somebody shows what its publisher may have: 72 hours after its publication it counts as wrong.`,
      }
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
