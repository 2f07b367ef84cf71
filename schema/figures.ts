import { type EntityClass, tableOf } from './define.ts'
import { Receipt } from './offchain/attribution.ts'
import { JobRun } from './offchain/jobs.ts'
import { Contribution, Datanet } from './onchain/datanets.ts'
import { Dispute } from './onchain/disputes.ts'
import { FeedbackTask, Judgement, Validator } from './onchain/feedback.ts'
import { Holder, Proposal, Vote } from './onchain/governance.ts'
import { Endpoint, Redemption } from './onchain/market.ts'
import { Evaluation, Mandate, Model, ModelVersion } from './onchain/models.ts'
import { RewardClaim, RewardMap } from './onchain/rewards.ts'
import { ContributorTotal } from './onchain/totals.ts'

/** One figure of the whole lifecycle: the number of rows of an entity that match a condition, or the sum of one of their columns. */
export interface OverviewFigure {
  of: EntityClass
  where?: string
  sum?: string
}

/** The figures of the overview, by stage of the lifecycle. Where the definition of one changes, so must its name: totals are kept under it. */
export const FIGURES: Record<string, OverviewFigure & { description: string }> = {
  models: { of: Model, description: 'Models proposed.' },
  proposals: { of: Proposal, description: 'Proposals that were made.' },
  votes: { of: Vote, description: 'Votes cast.' },
  holders: {
    of: Holder,
    where: 'balance + coalesce(locked, 0) > 0 and (locked is null or account <> token)',
    description: 'Accounts that hold gOPEN, locked or not.',
  },
  mandates: { of: Mandate, description: 'Mandates issued.' },
  datanets: { of: Datanet, description: 'Datanets opened.' },
  contributions: { of: Contribution, description: 'Samples contributed.' },
  acceptedContributions: { of: Contribution, where: `status = 'Accepted'`, description: 'Of these, accepted.' },
  contributors: { of: ContributorTotal, description: 'Accounts that contributed samples.' },
  versions: { of: ModelVersion, description: 'Versions trained.' },
  promotedVersions: { of: ModelVersion, where: `status = 'Promoted'`, description: 'Of these, promoted.' },
  evaluations: { of: Evaluation, description: 'Metrics logged by evaluations.' },
  feedbackTasks: { of: FeedbackTask, description: 'Comparisons opened.' },
  judgements: { of: Judgement, description: 'Judgements committed.' },
  validators: { of: Validator, description: 'Accounts that have staked to judge.' },
  endpoints: { of: Endpoint, description: 'Endpoints registered.' },
  receipts: { of: Receipt, description: 'Calls answered.' },
  // The fee of a call that was answered just now would tell the length of its answer.
  fees: {
    of: Receipt,
    where: 'is_open or epoch is not null',
    sum: 'fee',
    description: 'Fees of the calls answered that their consumers opened or an epoch paid, in wei.',
  },
  settledFees: { of: Redemption, sum: 'amount', description: 'Fees redeemed on chain, in wei.' },
  epochs: { of: RewardMap, where: `status = 'Published'`, description: 'Epochs with a published reward map.' },
  rewards: {
    of: RewardMap,
    where: `status = 'Published'`,
    sum: 'total',
    description: 'Payable by published reward maps, in wei.',
  },
  claimed: { of: RewardClaim, sum: 'amount', description: 'Rewards claimed, in wei.' },
  disputes: { of: Dispute, description: 'Disputes opened.' },
  openDisputes: { of: Dispute, where: `outcome = 'Open'`, description: 'Of these, open.' },
  jobs: { of: JobRun, description: 'Jobs requested.' },
  runningJobs: { of: JobRun, where: `status in ('Queued', 'Running')`, description: 'Of these, waiting or running.' },
  failedJobs: { of: JobRun, where: `status = 'Failed'`, description: 'Of these, failed.' },
}

/** Under which id a figure is kept: the number of all rows under the name of their table, with or without a name of its own. */
export const figureId = (name: string, { of, where, sum }: OverviewFigure): string =>
  where || sum ? name : tableOf(of).table
