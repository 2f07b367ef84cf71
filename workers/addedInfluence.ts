import { addedInfluences } from '#rules/addedInfluence.ts'
import type { RecordedInfluence } from '#rules/attribution.ts'
import { COPIED, QualityIndex, type Similar } from '#rules/quality.ts'
import { ArtifactError } from '#schema/artifacts/index.ts'
import { isRemoved } from '#schema/offchain/removals.ts'
import { type Contribution, Datanet } from '#schema/onchain/datanets.ts'
import { rowOf } from '#schema/rows.ts'
import { comparedSamples } from './comparedSamples.ts'
import type { Sources } from './modelLookup.ts'

/** The earlier samples to which those of a version are similar. */
export interface EarlierContent {
  /** By contribution of the version. */
  similar: ReadonlyMap<string, readonly Similar[]>
  /** The contributions of the model's other datanets whose influence those of the version may repeat. */
  elsewhere: readonly Contribution[]
}

/** What was committed before the contributions of a version and is in them (amendment 4b). It depends only on commitments and samples, so that anyone can
 *  recompute it. */
export async function earlierContent(
  sources: Sources,
  contributions: readonly Contribution[],
  onProgress?: (done: number) => void,
): Promise<EarlierContent> {
  const datanet = await rowOf(sources.db, Datanet, contributions[0]?.datanetId ?? '')
  if (!datanet) return { similar: new Map(), elsewhere: [] }
  const index = new QualityIndex({ comparison: datanet.comparison ?? 'prose' })
  const own = new Set(contributions.map(({ id }) => id))
  const isOwn = ({ id }: Contribution) => own.has(id)
  const similar = new Map<string, readonly Similar[]>()
  const beside = new Map<string, Contribution>()
  for await (const { contribution, entry } of comparedSamples(sources, datanet, isOwn, onProgress)) {
    const sample = { ...entry, check: undefined } // verdicts may still come; what was committed stays
    if (isOwn(contribution)) similar.set(contribution.id, index.add(sample).similar)
    else if (contribution.datanetId !== datanet.id) {
      if (sample.text === undefined && contribution.status === 'Accepted') await requireRemoved(sources, contribution)
      index.hold(sample)
      beside.set(contribution.id, contribution)
    }
  }
  const repeated = [...similar.values()].flat().filter(({ held }) => held > COPIED)
  const elsewhere = new Set(repeated.flatMap(({ id }) => beside.get(id) ?? []))
  return { similar, elsewhere: [...elsewhere].sort((a, b) => Number(a.id) - Number(b.id)) }
}

/** What was accepted is there, or was removed: without it, the samples of a version would seem to add what they only repeat.
 *  @throws ArtifactError */
async function requireRemoved({ db }: Sources, { id, contentHash }: Contribution): Promise<void> {
  const { rowCount } = await db.query(
    `select from contribution c where c.id = $1 and c.to_block is null and ${isRemoved('c')}`,
    [id],
  )
  if (rowCount === 0)
    throw new ArtifactError('missing', `The sample ${contentHash} of contribution ${id} is in no store.`, {
      artifact: contentHash,
    })
}

/** What each contribution of a version adds to the influence of those committed earlier, in the order given.
 *  @param earlier the influence of each contribution elsewhere
 *  @param validationItems over which the influences were measured */
export function influenceAdded<I extends RecordedInfluence>(
  { similar }: Pick<EarlierContent, 'similar'>,
  measured: readonly I[],
  earlier: readonly RecordedInfluence[],
  validationItems: number,
): (I & { added?: RecordedInfluence })[] {
  const added = addedInfluences(
    [...measured, ...earlier].map((one) => ({ ...one, similar: similar.get(one.contributionId) ?? [] })),
    validationItems,
  )
  return measured.map((one, at) => ({ ...one, added: added[at] }))
}
