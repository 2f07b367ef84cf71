import { Arg, Ctx, Field, Int, ObjectType, Query, Resolver } from 'type-graphql'
import type { EntityClass } from '#schema/define.ts'
import { Receipt } from '#schema/offchain/attribution.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { Contribution, Datanet } from '#schema/onchain/datanets.ts'
import { Dispute } from '#schema/onchain/disputes.ts'
import { FeedbackTask, Judgement, Validator } from '#schema/onchain/feedback.ts'
import { Holder, Proposal, Vote } from '#schema/onchain/governance.ts'
import { Endpoint, Redemption } from '#schema/onchain/market.ts'
import { Evaluation, Mandate, Model, ModelVersion } from '#schema/onchain/models.ts'
import { RewardClaim, RewardMap } from '#schema/onchain/rewards.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../context.ts'
import { declareField } from '../derive/declare.ts'
import { tableFor } from '../publicTables.ts'
import { AS_OF_ARG, AsOfInput } from '../query/asOfInput.ts'
import { Statement } from '../query/statement.ts'

/** One figure: the number of rows of an entity that match a condition, or the sum of one of their columns. */
interface Figure {
  of: EntityClass
  where?: string
  sum?: string
  description: string
}

/** The figures, by stage of the lifecycle. */
const FIGURES: Record<string, Figure> = {
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

@ObjectType({ description: 'Figures of the whole lifecycle.', simpleResolvers: true })
export class Overview {
  @Field(() => Int, { description: 'Accounts that contributed samples.' }) contributors!: number
}
for (const [name, { sum, description }] of Object.entries(FIGURES))
  declareField(Overview, name, sum ? () => BigIntScalar : () => Int, { description })

@Resolver()
export class OverviewResolver {
  @Query(() => Overview, {
    description:
      'Figures of the whole lifecycle as of one point in the chain. Receipts and jobs are off-chain, so they are always the present ones.',
    complexity: 100,
  })
  async overview(
    @Arg('asOf', () => AsOfInput, AS_OF_ARG) asOfInput: AsOfInput | undefined,
    @Ctx() { reader, db }: ApiContext,
  ): Promise<Overview> {
    const statement = new Statement(await reader.asOf(asOfInput))
    const figures = Object.entries(FIGURES).map(([name, { of, where, sum }]) => {
      const table = tableFor(of)
      const value = sum ? `coalesce(sum("${sum}"), 0)` : 'count(*)::integer'
      return `(select ${value} from "${table.table}" t where ${statement.visibleAt(table, 't')} and ${where ?? 'true'}) as "${name}"`
    })
    const contributors = `(select count(distinct contributor)::integer from contribution t where ${statement.visibleAt(tableFor(Contribution), 't')}) as contributors`
    return (await db.query(`select ${[...figures, contributors].join(', ')}`, statement.values)).rows[0]
  }
}
