import { disputeEvidenceDocument, putDocument } from '#schema/documents.ts'
import { Mandate, ModelVersion } from '#schema/onchain/models.ts'
import { targetsOf } from '#schema/promotionFacts.ts'
import { rowOf } from '#schema/rows.ts'
import { storeAs } from '../dependencies.ts'
import { type JobContext, JobError } from '../job.ts'
import { openDispute } from '../openDispute.ts'
import { rollingEvaluations, rollingStanding } from '../rollingEvaluations.ts'

/** Opens recourse against a version that serves and has fallen below its mandate. The items are sealed, so that nobody else can recompute it: the dispute is about
 *  harm, which a vote decides. Its evidence has the scores over all items and nothing of a single one. */
export async function disputeVersionHandler(job: JobContext<'disputeVersion'>) {
  const { versionId, maxBondWei } = job.input
  const version = await rowOf(job.db, ModelVersion, versionId)
  if (version?.status !== 'Promoted')
    throw new JobError('NOT_PROMOTED', `Version ${versionId} does not serve, so there is nothing to roll back.`)
  const mandate = await rowOf(job.db, Mandate, version.modelId)
  const evaluations = mandate ? await rollingEvaluations(job.db, versionId, mandate.rubricHash) : []
  const standing = rollingStanding(await targetsOf(job.db, version.modelId), evaluations)
  if (!standing?.fallen.length)
    throw new JobError(
      'NOT_BELOW',
      `The rolling evaluation of version ${versionId} is not significantly below the mandate, or not complete. monitorVersion measures it.`,
    )
  const { rotation, fallen } = standing
  const reasons = fallen.map(({ reason }) => reason)
  const statement = `By its rolling evaluation under rubric ${mandate?.rubricHash}, version ${versionId} is significantly below its mandate: ${reasons.join(' ')}`
  const { id, existed } = await openDispute(job.chain, {
    kind: 'Version',
    subjectId: BigInt(versionId),
    key: `recourse:${versionId}:${rotation}`,
    evidence: async () => {
      const evidence = { ground: 'harm', statement }
      return (await putDocument(storeAs(job, 'evidence'), disputeEvidenceDocument, evidence)) as `0x${string}`
    },
    checkBond(bond, balance) {
      if (bond > BigInt(maxBondWei))
        throw new JobError(
          'BOND_TOO_HIGH',
          `The bond of a dispute is ${bond} wei, and at most ${maxBondWei} are allowed. Raise maxBondWei of the policy’s section monitor.`,
        )
      if (balance < bond)
        throw new JobError(
          'NO_BOND',
          `Version ${versionId} cannot be disputed: the bond is ${bond} wei of gOPEN, and ${job.chain.account} has ${balance}. Wrap at least ${bond - balance} wei, then try the job again.`,
        )
    },
  })
  job.log.warn({ versionId, disputeId: `${id}`, reasons }, 'a version fell below its mandate: recourse is open')
  return { result: { versionId, disputeId: `${id}`, existed, rotation, reasons } }
}
