import { isDeepStrictEqual } from 'node:util'
import { checkEpoch } from '#epochs/checkEpoch.ts'
import { computeEpoch } from '#epochs/epoch.ts'
import type { EpochSources } from '#epochs/epochSources.ts'
import { ArtifactError } from '#schema/artifacts/index.ts'
import type { WholeRewardMap } from '#schema/rewardMapDocument.ts'

/** What a verifier says of one published map: the map as it computes it, and the first difference of the published one. Without a map, an artifact is missing. */
export interface OtherVerdict {
  epoch: number
  map: Omit<WholeRewardMap, 'codeHash'> | null
  difference: string | null
}

const COMPARED = [
  'epoch',
  'chainId',
  'distributor',
  'fromBlock',
  'toBlock',
  'blockHash',
  'total',
  'leaves',
  'carried',
  'debts',
  'lines',
  'root',
] as const

/** How our verdict of an epoch differs from another verifier's, which names the documents to use; empty when it does not. */
export async function differencesFrom(theirs: OtherVerdict, sources: EpochSources): Promise<string[]> {
  const { epoch, map } = theirs
  const ours = await verdictOf(sources, epoch)
  if (verdict(theirs) !== verdict(ours))
    return [
      `epoch ${epoch}: they say ${verdict(theirs)} (${theirs.difference}), we say ${verdict(ours)} (${ours.difference})`,
    ]
  if (!map) return []
  const recomputed = await computeEpoch(sources, { epoch, usage: map.usage, absent: map.absent })
  return COMPARED.flatMap((part) => firstDifferent(`epoch ${epoch}, ${part}`, map[part], recomputed[part]))
}

/** The first place in which two values differ; nothing when they are the same. */
function firstDifferent(place: string, theirs: unknown, ours: unknown): string[] {
  if (isDeepStrictEqual(theirs, ours)) return []
  if (!Array.isArray(theirs) || !Array.isArray(ours))
    return [`${place}: they have ${JSON.stringify(theirs)}, we have ${JSON.stringify(ours)}`]
  const at = theirs.findIndex((item, i) => !isDeepStrictEqual(item, ours[i]))
  const index = at < 0 ? theirs.length : at
  return [`${place}[${index}]: they have ${JSON.stringify(theirs[index])}, we have ${JSON.stringify(ours[index])}`]
}

const verdict = ({ map, difference }: Pick<OtherVerdict, 'map' | 'difference'>) =>
  map === null ? 'impossible to check' : difference === null ? 'right' : 'wrong'

async function verdictOf(sources: EpochSources, epoch: number) {
  try {
    const { difference } = await checkEpoch(sources, epoch)
    return { map: {} as OtherVerdict['map'], difference: difference && JSON.stringify(difference) }
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error
    return { map: null, difference: error.message }
  }
}
