import { decideDispute, upheldSlash } from '#rules/dispute.ts'
import { ArtifactError } from '#schema/artifacts/index.ts'
import { disputeEvidenceDocument, getDocument } from '#schema/documents.ts'
import { Dispute } from '#schema/onchain/disputes.ts'
import { rowOf } from '#schema/rows.ts'
import type { ChainDependencies } from '../dependencies.ts'
import { waitUntilIndexed } from '../finality.ts'
import { type JobContext, JobError, type JobHandler, PendingError } from '../job.ts'
import { recomputeDispute } from '../recomputeDispute.ts'

type ResolvingJob = JobContext<'resolveDispute'>

/** Decides a dispute: it recomputes every ground from the chain and the artifacts, gives a verdict, and carries it out after the appeal time
 *  unless the timelock decides before. What needs human judgement is left to a vote. */
export const resolveDisputeHandler =
  (dependencies: ChainDependencies): JobHandler<'resolveDispute'> =>
  async (job) => {
    const { disputeId } = job.input
    const dispute = await loadDispute(job)
    if (dispute.outcome !== 'Open') {
      if (!(await job.chain.signedTransaction(verdictKey(disputeId))))
        throw new JobError('DECIDED', `Dispute ${dispute.id} is already ${dispute.outcome.toLowerCase()}.`)
      return { result: { disputeId, outcome: dispute.outcome.toLowerCase() } }
    }
    if (await isMoot(job, dispute)) return { result: { disputeId, outcome: await enforce(job, 'lapsed') } }
    if (dispute.verdict === null && !(await giveVerdict(job, dependencies, dispute)))
      return { result: { disputeId, outcome: await enforce(job, 'lapsed') } }
    return { result: { disputeId, outcome: await enforceVerdict(job) } }
  }

const verdictKey = (disputeId: string) => `dispute:${disputeId}`

/** Returns false when the term is over: then no verdict is possible any more. */
async function giveVerdict(job: ResolvingJob, dependencies: ChainDependencies, dispute: Dispute): Promise<boolean> {
  const { subject } = dispute
  if (await hasLapsed(job, dispute)) return false
  const { findings, stake } = await recomputeDispute(job, dependencies, dispute)
  // Evidence that only a mirror which is away might have keeps no wrong finding from its verdict. A map is never left to a vote.
  const isDecided = subject === 'RewardMap' || decideDispute(subject, undefined, findings).outcome === 'upheld'
  const stated = isDecided ? undefined : await statedGround(job, dispute)
  const { outcome, ground } = decideDispute(subject, stated, findings)
  if (await hasLapsed(job, dispute)) return false
  if (outcome === 'vote')
    throw new JobError(
      'NEEDS_VOTE',
      `A dispute about a ${subject} for ${ground ?? 'a reason that nobody can read'} is decided by a vote: propose \`Disputes.resolve(${dispute.id}, …)\` to the Governor.`,
    )
  const upheld = outcome === 'upheld'
  const { blockNumber } = await job.chain.transact(
    verdictKey(dispute.id),
    {
      contract: 'Disputes',
      functionName: 'rule',
      args: [BigInt(dispute.id), upheld, upheld ? upheldSlash(subject, stake) : 0n],
    },
    { again: true },
  )
  job.log.info({ disputeId: dispute.id, outcome, ground, findings }, 'gave a verdict')
  await waitUntilIndexed(job, Number(blockNumber))
  return true
}

/** @throws PendingError until the appeal time is over. */
async function enforceVerdict(job: ResolvingJob): Promise<string> {
  const { id, verdict, effectiveAt, outcome } = await loadDispute(job)
  if (outcome !== 'Open') return outcome.toLowerCase()
  if (!effectiveAt || (await job.chain.now()) < effectiveAt.getTime() / 1000)
    throw new PendingError(
      `The verdict on dispute ${id}, ${verdict?.toLowerCase()}, takes effect at ${effectiveAt?.toISOString()} unless the timelock decides before.`,
    )
  return enforce(job, String(verdict).toLowerCase())
}

async function enforce({ chain, input }: ResolvingJob, outcome: string): Promise<string> {
  const args = [BigInt(input.disputeId)] as const
  const call = { contract: 'Disputes', functionName: 'enforce', args } as const
  await chain.transact(`enforce:${input.disputeId}`, call, { again: true })
  return outcome
}

/** Whether the disputed map was cancelled with an earlier one. Then the bond goes back, and what follows can be disputed. */
const isMoot = async ({ chain }: ResolvingJob, { id, subject }: Dispute): Promise<boolean> =>
  subject === 'RewardMap' && chain.read('Disputes', 'isMoot', [BigInt(id)])

/** Whether nobody decided the dispute within its term. A reward map's never lapses. */
async function hasLapsed({ chain }: ResolvingJob, { subject, openedAt }: Dispute): Promise<boolean> {
  if (subject === 'RewardMap') return false
  const term = await chain.read('Disputes', 'term', [])
  return BigInt(await chain.now()) >= BigInt(openedAt.getTime() / 1000) + term
}

async function loadDispute({ db, input }: ResolvingJob): Promise<Dispute> {
  const dispute = await rowOf(db, Dispute, input.disputeId)
  if (dispute) return dispute
  throw new JobError(
    'UNKNOWN_DISPUTE',
    `There is no dispute ${input.disputeId}. Query \`disputes\` for the existing disputes.`,
  )
}

/** The ground that the challenger states; undefined when the evidence is not there, or is no evidence. */
async function statedGround({ artifacts }: ResolvingJob, { evidenceHash }: Dispute): Promise<string | undefined> {
  try {
    return (await getDocument(artifacts, disputeEvidenceDocument, evidenceHash)).ground
  } catch (error) {
    if (error instanceof ArtifactError) return undefined
    throw error
  }
}
