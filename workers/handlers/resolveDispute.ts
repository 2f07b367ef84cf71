import { decidedBy, recomputedOutcome, upheldSlash } from '#rules/dispute.ts'
import { judgeVersion } from '#rules/promotion.ts'
import { ArtifactError } from '#schema/artifacts/index.ts'
import { disputeEvidenceDocument, getDocument } from '#schema/documents.ts'
import { VersionInfluence } from '#schema/offchain/attribution.ts'
import { Contribution, Datanet } from '#schema/onchain/datanets.ts'
import { Dispute } from '#schema/onchain/disputes.ts'
import { Evaluation, Mandate, ModelVersion, Target } from '#schema/onchain/models.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { rowOf, rowsOf } from '#schema/rows.ts'
import { assessDatanet } from '../assessDatanet.ts'
import type { ChainDependencies } from '../dependencies.ts'
import { computeEpoch } from '../epoch.ts'
import { type JobContext, JobError, type JobHandler } from '../job.ts'
import { sourcesOf } from '../modelLookup.ts'

/** The recorded value, the recomputed one, and the stake behind the subject in wei. */
interface Finding {
  recorded: string
  recomputed: string
  stake: bigint
}

/** Decides a dispute: it recomputes the disputed value from the chain and the artifacts. A dispute that needs human judgement is left to a vote. */
export const resolveDisputeHandler =
  (dependencies: ChainDependencies): JobHandler<'resolveDispute'> =>
  async (job) => {
    const dispute = await rowOf(job.db, Dispute, job.input.disputeId)
    if (!dispute)
      throw new JobError(
        'UNKNOWN_DISPUTE',
        `There is no dispute ${job.input.disputeId}. Query \`disputes\` for the existing disputes.`,
      )
    if (dispute.outcome !== 'Open' && job.attempt === 1)
      throw new JobError('DECIDED', `Dispute ${dispute.id} is already ${dispute.outcome.toLowerCase()}.`)
    const { ground } = await getDocument(job.artifacts, disputeEvidenceDocument, dispute.evidenceHash)
    const { subject } = dispute
    if (deciderOf(subject, ground) === 'vote')
      throw new JobError(
        'NEEDS_VOTE',
        `A dispute about a ${subject} for ${ground} is decided by a vote: propose \`Disputes.resolve(${dispute.id}, …)\` to the Governor.`,
      )
    const finding = await recompute(job, dependencies, dispute, ground)
    const outcome = recomputedOutcome(subject, ground, finding)
    const upheld = outcome === 'upheld'
    await job.chain.transact(`dispute:${dispute.id}`, {
      contract: 'Disputes',
      functionName: 'resolve',
      args: [BigInt(dispute.id), upheld, upheld ? upheldSlash(subject, finding.stake) : 0n],
    })
    return { result: { disputeId: dispute.id, outcome, recorded: finding.recorded, recomputed: finding.recomputed } }
  }

/** @throws JobError when the evidence names a ground that its subject does not have. */
function deciderOf(...dispute: Parameters<typeof decidedBy>) {
  try {
    return decidedBy(...dispute)
  } catch (cause) {
    throw new JobError('BAD_GROUND', (cause as Error).message, { cause })
  }
}

async function recompute(
  job: JobContext<'resolveDispute'>,
  dependencies: ChainDependencies,
  dispute: Dispute,
  ground: string,
): Promise<Finding> {
  const { db } = job
  const id = dispute.subjectId
  switch (`${dispute.subject}:${ground}`) {
    case 'Contribution:duplicate':
    case 'Contribution:contaminated':
    case 'Contribution:malformed': {
      const contribution = await needed(rowOf(db, Contribution, id), 'contribution', id)
      const datanet = await needed(rowOf(db, Datanet, contribution.datanetId), 'datanet', contribution.datanetId)
      const assessed = await assessDatanet(sourcesOf(job, dependencies), datanet, (done) =>
        job.report(done, 'judging again'),
      )
      const verdict = assessed.find((one) => one.contribution.id === id)?.assessment.verdict
      return {
        recorded: contribution.status,
        recomputed: verdict === 'accepted' ? 'Accepted' : 'Rejected',
        stake: contribution.stake,
      }
    }
    case 'Contribution:harmful': {
      const contribution = await needed(rowOf(db, Contribution, id), 'contribution', id)
      const measured = await rowsOf(db, VersionInfluence, 'contribution_id = $1', [id], {
        orderBy: 'version_id::numeric',
      })
      return {
        recorded: 'helpful',
        recomputed: measured.some((one) => one.harmful) ? 'harmful' : 'helpful',
        stake: contribution.stake,
      }
    }
    case 'Version:target': {
      const version = await needed(rowOf(db, ModelVersion, id), 'version', id)
      const targets = await rowsOf(db, Target, 'model_id = $1', [version.modelId])
      const { rubricHash } = await needed(rowOf(db, Mandate, version.modelId), 'mandate of model', version.modelId)
      const evaluations = await rowsOf(db, Evaluation, 'version_id = $1 and rubric_hash = $2', [id, rubricHash])
      const { promotable } = judgeVersion(
        targets,
        evaluations.map((one) => ({ ...one, n: BigInt(one.n), order: BigInt(one.id) })),
      )
      return { recorded: 'met', recomputed: promotable ? 'met' : 'missed', stake: 0n }
    }
    case 'Version:artifacts': {
      const version = await needed(rowOf(db, ModelVersion, id), 'version', id)
      const whole = await Promise.all(
        [version.manifestHash, version.adapterHash].map((name) => job.artifacts.get(name)),
      )
        .then(() => true)
        .catch((error) => {
          if (error instanceof ArtifactError) return false
          throw error // a store that is away says nothing about the artifacts
        })
      return { recorded: 'whole', recomputed: whole ? 'whole' : 'broken', stake: 0n }
    }
    case 'RewardMap:root': {
      const map = await needed(rowOf(db, RewardMap, id), 'reward map', id)
      const again = await computeEpoch(
        { sql: db, artifacts: job.artifacts, deployment: dependencies.deployment },
        map.epoch,
        map.lastBlock ?? 0,
      )
      return { recorded: map.root ?? '', recomputed: again.root, stake: 0n }
    }
    default:
      throw new JobError(
        'CANNOT_RECOMPUTE',
        `This worker cannot recompute a ${dispute.subject} disputed for ${ground}. Propose its resolution to the Governor.`,
      )
  }
}

async function needed<T>(found: Promise<T | undefined>, what: string, id: string): Promise<T> {
  const row = await found
  if (!row) throw new JobError('UNKNOWN_SUBJECT', `There is no ${what} ${id}.`)
  return row
}
