import { checkEpoch, keepIn } from '#epochs/checkEpoch.ts'
import { blockHashes } from '#epochs/epochSources.ts'
import { presumeMissing } from '#epochs/presumeMissing.ts'
import { readDocument, readerOf } from '#epochs/readArtifacts.ts'
import { attributionWeights, influenceInUnits, recordInfluence } from '#rules/attribution.ts'
import { type Finding, unreadableArtifacts } from '#rules/dispute.ts'
import { judgeVersion, type MetricEvaluation } from '#rules/promotion.ts'
import { MAX_SAMPLE_BYTES } from '#rules/sample.ts'
import { ArtifactError } from '#schema/artifacts/index.ts'
import { getDocument, MAX_DOCUMENT_BYTES, type Manifest, manifestDocument } from '#schema/documents.ts'
import { VersionInfluence } from '#schema/offchain/attribution.ts'
import { Contribution, Datanet } from '#schema/onchain/datanets.ts'
import type { Dispute } from '#schema/onchain/disputes.ts'
import { Mandate, ModelVersion } from '#schema/onchain/models.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { targetsOf } from '#schema/promotionFacts.ts'
import { rowOf, rowsOf } from '#schema/rows.ts'
import { earlierContent, influenceAdded } from './addedInfluence.ts'
import { assessDatanet } from './assessDatanet.ts'
import { outsideModel } from './comparedSamples.ts'
import type { ChainDependencies } from './dependencies.ts'
import { evaluationVerdict, type LoggedEvaluation } from './evaluationVerdict.ts'
import { type JobContext, JobError, PendingError } from './job.ts'
import { loadItems, loadMandatedModel, sourcesOf } from './modelLookup.ts'
import { loadSample } from './samples.ts'
import { evaluationsOf } from './storedEvaluations.ts'

/** Every ground on which recomputation can decide a dispute, recomputed from the chain and the artifacts. */

/** What the recomputation uses of its job. */
type ResolvingJob = Pick<JobContext<'resolveDispute'>, 'db' | 'artifacts' | 'chain' | 'report' | 'log'>
type Disputed = Pick<Dispute, 'id' | 'subject' | 'subjectId' | 'openedAt'>

/** The findings of all grounds of the disputed subject, and the stake behind it in wei.
 *  @throws PendingError while an artifact of the subject cannot be read since less than 72 hours, unless another ground decides. */
export async function recomputeDispute(
  { db, artifacts: stored, chain, report, log }: ResolvingJob,
  dependencies: ChainDependencies,
  dispute: Disputed,
): Promise<{ findings: Finding[]; stake: bigint }> {
  const { subject, subjectId, openedAt } = dispute
  const artifacts = presumeMissing(stored, async (error) => {
    await stillAwaited(error, openedAt, chain)
    return true
  })
  const job: ResolvingJob = { db, artifacts, chain, report, log }
  if (subject === 'Contribution') return contributionFindings(job, dependencies, subjectId, openedAt)
  if (subject === 'Version')
    return { findings: await versionFindings(job, dependencies, subjectId, openedAt), stake: 0n }
  if (subject === 'RewardMap') return { findings: [await mapFinding(job, dependencies, dispute)], stake: 0n }
  return { findings: [], stake: 0n }
}

async function contributionFindings(job: ResolvingJob, dependencies: ChainDependencies, id: string, openedAt: Date) {
  const { db } = job
  const contribution = await needed(rowOf(db, Contribution, id), 'contribution', id)
  await areReadable(job, [contribution.contentHash], openedAt, MAX_SAMPLE_BYTES)
  const datanet = await needed(rowOf(db, Datanet, contribution.datanetId), 'datanet', contribution.datanetId)
  const assessed = await assessDatanet(sourcesOf(job, dependencies), datanet, (done) =>
    job.report(done, 'judging again'),
  )
  const verdict = assessed.find((one) => one.contribution.id === id)?.assessment.verdict ?? 'malformed'
  const measured = await rowsOf(db, VersionInfluence, 'contribution_id = $1', [id])
  const findings: Finding[] = []
  // What was refused or not scored yet has no verdict that a dispute could change.
  if (contribution.status === 'Accepted')
    findings.push({
      ground: verdict === 'accepted' ? 'duplicate' : verdict,
      recorded: 'Accepted',
      recomputed: verdict === 'accepted' ? 'Accepted' : 'Rejected',
    })
  findings.push({
    ground: 'harmful',
    recorded: 'helpful',
    recomputed: measured.some((one) => one.harmful) ? 'harmful' : 'helpful',
  })
  return { findings, stake: contribution.stake }
}

async function versionFindings(
  job: ResolvingJob,
  dependencies: ChainDependencies,
  id: string,
  openedAt: Date,
): Promise<Finding[]> {
  const version = await needed(rowOf(job.db, ModelVersion, id), 'version', id)
  const findings: Finding[] = []
  const { rubricHash } = await needed(rowOf(job.db, Mandate, version.modelId), 'mandate of model', version.modelId)
  const evaluations = await evaluationsOf(job.db, id, rubricHash)
  if (version.promotedAt !== null) findings.push(await targetFinding(job, version, evaluations))
  const logs = [...new Set(evaluations.map(({ logHash }) => logHash))]
  for (const log of logs) findings.push(...(await logFinding(job, { version: id, rubric: rubricHash, log })))
  if (findings.some(({ recorded, recomputed }) => recorded !== recomputed)) return findings
  if (await areReadable(job, [version.manifestHash, version.adapterHash, ...logs], openedAt))
    return [...findings, ...(await weightFindings(job, dependencies, version))]
  return [...findings, { ground: 'artifacts', recorded: 'whole', recomputed: 'broken' }]
}

async function targetFinding(
  { db }: ResolvingJob,
  { modelId }: ModelVersion,
  evaluations: readonly MetricEvaluation[],
): Promise<Finding> {
  const { promotable } = judgeVersion(await targetsOf(db, modelId), evaluations)
  return { ground: 'target', recorded: 'met', recomputed: promotable ? 'met' : 'missed' }
}

/** Whether the scores of an evaluation follow from the answers in its log. A resolver whose store has the sealed items can tell; for another this is no
 *  ground. */
async function logFinding(job: ResolvingJob, evaluation: LoggedEvaluation): Promise<Finding[]> {
  const { fault, waits } = await evaluationVerdict(job.db, job.artifacts, evaluation)
  if (fault !== undefined || waits !== undefined)
    job.log.info({ ...evaluation, fault, waits }, 'checked the log of an evaluation')
  if (waits !== undefined) return []
  return [{ ground: 'evaluation', recorded: 'right', recomputed: fault === undefined ? 'right' : 'wrong' }]
}

/** Whether the store has all these artifacts, with the bytes of their names. A store that is away is no answer: its error passes. What has more than
 *  `maxBytes`, such as a model that somebody has submitted as a sample, is there, and is not read.
 *  @throws PendingError when one cannot be read, and the dispute is open for less than 72 hours. */
async function areReadable(
  { artifacts, chain }: ResolvingJob,
  names: string[],
  openedAt: Date,
  maxBytes = MAX_DOCUMENT_BYTES,
): Promise<boolean> {
  for (const name of names)
    try {
      await readDocument(readerOf(artifacts), name, maxBytes)
    } catch (error) {
      if (!(error instanceof ArtifactError)) throw error
      await stillAwaited(error, openedAt, chain)
      return false
    }
  return true
}

/** @throws PendingError while an artifact that cannot be read may still come. */
async function stillAwaited(error: Error, openedAt: Date, chain: ResolvingJob['chain']): Promise<void> {
  if (unreadableArtifacts(openedAt.getTime() / 1000, await chain.now()) === 'broken') return
  throw new PendingError(
    `${error.message} It counts as broken only if nobody can fetch it for 72 hours after the dispute was opened.`,
    { cause: error },
  )
}

/** The weights of a fine-tuned version follow from the influences in its manifest, from the uniqueness on chain and from its samples; an aligned version has
 *  those of its parent. */
async function weightFindings(
  job: ResolvingJob,
  dependencies: ChainDependencies,
  version: ModelVersion,
): Promise<Finding[]> {
  const manifest = await readManifest(job, version)
  if (!manifest) return [{ ground: 'artifacts', recorded: 'a manifest', recomputed: 'no manifest' }]
  const recorded = weightsText(manifest.weights)
  const recomputed =
    manifest.method === 'sft'
      ? await recomputedWeights(job, dependencies, manifest)
      : await parentWeights(job, version.parentId)
  return recomputed === undefined ? [] : [{ ground: 'weights', recorded, recomputed }]
}

async function recomputedWeights(
  job: ResolvingJob,
  dependencies: ChainDependencies,
  { modelId, weights, earlier = [] }: Manifest,
): Promise<string> {
  const sources = sourcesOf(job, dependencies)
  const { rubric } = await loadMandatedModel(sources, modelId)
  const { length } = await loadItems(sources, rubric.validation)
  const contributions = await contributionsOf(job, weights)
  const stated = await contributionsOf(job, earlier)
  // Whoever is disputed has written what is stated: content that is none of the model's own would only be waited for.
  const [foreign] = await outsideModel(sources, modelId, stated)
  if (foreign) return `no influence of ${foreign.id}, which is in no datanet that the model’s owner opened for it`
  // Without these samples nobody can tell what the weights should be.
  for (const { contentHash } of [...contributions, ...stated]) await loadSample(job.artifacts, contentHash)
  const content = await earlierContent(sources, contributions, (done) =>
    job.report(done, 'comparing with earlier samples'),
  )
  const unmeasured = content.elsewhere.filter(({ id }) => !earlier.some(({ contributionId }) => contributionId === id))
  if (unmeasured.length > 0)
    return `what they add to ${unmeasured.map(({ id }) => id).join(', ')}, whose influence is not stated`
  const uniqueness = new Map(contributions.map((one) => [one.id, BigInt(one.uniqueness ?? 0)]))
  const recordedOf = ({ contributionId, influence, standardError }: NonNullable<Manifest['earlier']>[0]) =>
    recordInfluence(
      {
        contributionId,
        influence: influenceInUnits(BigInt(influence)),
        standardError: influenceInUnits(BigInt(standardError)),
      },
      length,
    )
  const measured = weights.map((one) => ({
    ...recordedOf(one),
    uniqueness: uniqueness.get(one.contributionId) ?? 0n,
  }))
  return weightsText(attributionWeights(influenceAdded(content, measured, earlier.map(recordedOf), length)).weights)
}

const contributionsOf = ({ db }: ResolvingJob, stated: readonly { contributionId: string }[]) =>
  rowsOf(db, Contribution, 'id = any($1)', [stated.map(({ contributionId }) => contributionId)])

/** Undefined where the parent's manifest cannot be read: that is the parent's fault. */
async function parentWeights(job: ResolvingJob, parentId: string | null): Promise<string | undefined> {
  const parent = parentId === null ? undefined : await rowOf(job.db, ModelVersion, parentId)
  const manifest = parent && (await readManifest(job, parent))
  return manifest && weightsText(manifest.weights)
}

async function readManifest({ artifacts }: ResolvingJob, version: ModelVersion): Promise<Manifest | undefined> {
  try {
    return await getDocument(artifacts, manifestDocument, version.manifestHash)
  } catch (error) {
    if (error instanceof ArtifactError) return undefined
    throw error
  }
}

const weightsText = (weights: readonly { contributionId: string; weight: string | bigint }[]) =>
  weights
    .map(({ contributionId, weight }) => `${contributionId}:${weight}`)
    .sort()
    .join(' ')

/** A map is wrong when anything in it differs from the recomputation, or when an artifact that it needs cannot be fetched for 72 hours. */
async function mapFinding(
  { db, artifacts, chain }: ResolvingJob,
  { deployment }: ChainDependencies,
  { openedAt, subjectId }: Disputed,
): Promise<Finding> {
  const { epoch } = await needed(rowOf(db, RewardMap, subjectId), 'reward map', subjectId)
  try {
    const sources = { sql: db, artifacts, deployment, blockHash: blockHashes(chain.client) }
    const { root, difference, hidden } = await checkEpoch(sources, epoch, keepIn(artifacts))
    if (difference && hidden.length > 0)
      await stillAwaited(
        new Error(`The map lists ${hidden.join(', ')} as absent, without which it is wrong.`),
        openedAt,
        chain,
      )
    if (difference === null) return { ground: 'root', recorded: root, recomputed: root }
    const { place, published, recomputed } = difference
    return { ground: 'root', recorded: `${place}: ${published}`, recomputed: `${place}: ${recomputed}` }
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error
    await stillAwaited(error, openedAt, chain)
    return { ground: 'root', recorded: 'readable artifacts', recomputed: error.message }
  }
}

async function needed<T>(found: Promise<T | undefined>, what: string, id: string): Promise<T> {
  const row = await found
  if (!row) throw new JobError('UNKNOWN_SUBJECT', `There is no ${what} ${id}.`)
  return row
}
