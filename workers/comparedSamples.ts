import { setImmediate as nextTurn } from 'node:timers/promises'
import { type QualityEntry, UNPUBLISHED } from '#rules/quality.ts'
import { MAX_SAMPLE_BYTES } from '#rules/sample.ts'
import { ArtifactError } from '#schema/artifacts/index.ts'
import { utf8Of } from '#schema/documents.ts'
import { Contribution, type Datanet } from '#schema/onchain/datanets.ts'
import { rowsOf } from '#schema/rows.ts'
import { recordedScreening } from '#screening/recorded.ts'
import { inCommitOrder } from './commitOrder.ts'
import type { Sources } from './modelLookup.ts'

/** For how long samples are compared before other events, such as heartbeats, get their turn. */
const COMPARED_FOR_MS = 100

/** How many samples are in memory as they were submitted. A sample of 1 MiB may be submitted any number of times. */
const TEXTS_AT_ONCE = 32

/** A contribution with its sample as it is compared. */
export interface ComparedSample {
  contribution: Contribution
  entry: QualityEntry
}

/** The samples of a datanet, and of those beside it that are earlier content in it, in the order of their commitments, up to the last one that is `asked` for. */
export async function* comparedSamples(
  sources: Sources,
  datanet: Datanet,
  isAsked: (contribution: Contribution) => boolean,
  onProgress: (done: number) => void = () => {},
): AsyncGenerator<ComparedSample> {
  const all = await inCommitOrder(sources, await contributionsBeside(sources, datanet))
  const ordered = all.slice(0, all.findLastIndex(({ contribution }) => isAsked(contribution)) + 1)
  let since = performance.now()
  for (let next = 0; next < ordered.length; next += TEXTS_AT_ONCE) {
    const part = ordered.slice(next, next + TEXTS_AT_ONCE)
    const texts = await Promise.all(part.map(({ contribution }) => sampleText(sources, contribution)))
    for (const [index, { contribution, committed }] of part.entries()) {
      if (performance.now() - since > COMPARED_FOR_MS) {
        await nextTurn()
        since = performance.now()
      }
      const { id, reason } = contribution
      yield { contribution, entry: { id, committed, text: texts[index], check: recordedScreening(reason) } }
      onProgress((next + index + 1) / ordered.length)
    }
  }
}

/** The contributions of the datanet, and those of the datanets that the owner of its model opened for it: anybody may open one, and what is given to a
 *  stranger's takes nothing from others. */
const contributionsBeside = ({ db }: Sources, { id, modelId }: Datanet): Promise<Contribution[]> =>
  rowsOf(db, Contribution, `datanet_id = $1 or datanet_id in (${ownDatanets('$2')})`, [id, modelId])

/** SQL: the ids of the datanets of a model that its owner opened. */
const ownDatanets = (model: string) =>
  `select d.id from datanet d join model m on m.id = d.model_id and m.to_block is null and m.proposer = d.owner
  where d.model_id = ${model} and d.to_block is null`

/** Of these contributions, those that are in no datanet that the owner of the model opened for it. */
export async function outsideModel(
  { db }: Pick<Sources, 'db'>,
  modelId: string,
  contributions: readonly Contribution[],
): Promise<Contribution[]> {
  const { rows } = await db.query<{ id: string }>(ownDatanets('$1'), [modelId])
  const own = new Set(rows.map(({ id }) => id))
  return contributions.filter(({ datanetId }) => !own.has(datanetId))
}

/** The text of the sample; undefined when the content is not published, or was not when it was scored. It is empty, and thus malformed, when the content is
 *  something else, such as a model, or bytes that no reader of documents takes, so that training could not read what is accepted here. */
async function sampleText(
  { artifacts }: Sources,
  { contentHash, reason, status }: Contribution,
): Promise<string | undefined> {
  if (status === 'Rejected' && reason !== null && wasUnreadable(reason)) return undefined
  try {
    return utf8Of(await artifacts.get(contentHash, { maxBytes: MAX_SAMPLE_BYTES })) ?? ''
  } catch (error) {
    if (!(error instanceof ArtifactError) || error.code === 'corrupt') throw error
    return error.code === 'missing' ? undefined : ''
  }
}

/** Earlier releases recorded what was not published as no JSON: whatever else they called so is malformed all the same. */
const wasUnreadable = (reason: string) => reason.startsWith(UNPUBLISHED) || reason.startsWith('Not JSON.')
