import { Arg, Ctx, Field, Int, ObjectType, Query, Resolver } from 'type-graphql'
import type { EntityClass } from '#schema/define.ts'
import { Receipt } from '#schema/offchain/attribution.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { Contribution, Datanet } from '#schema/onchain/datanets.ts'
import { Dispute } from '#schema/onchain/disputes.ts'
import { FeedbackTask, Judgement, Validator } from '#schema/onchain/feedback.ts'
import { Holder, Proposal, Vote } from '#schema/onchain/governance.ts'
import { Endpoint, UsageSettlement } from '#schema/onchain/market.ts'
import { Evaluation, Mandate, Model, ModelVersion } from '#schema/onchain/models.ts'
import { RewardClaim, RewardMap } from '#schema/onchain/rewards.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../context.ts'
import { declareField } from '../derive/declare.ts'
import { tableFor } from '../publicTables.ts'
import { AS_OF_ARG, AsOfInput } from '../query/asOfInput.ts'
import { Statement } from '../query/statement.ts'

/** One figure: rows of an entity that meet a condition, counted, or a column of theirs summed up. */
interface Figure {
  of: EntityClass
  where?: string
  sum?: string
  says: string
}

/** The stages of the lifecycle in figures. */
const FIGURES: Record<string, Figure> = {
  models: { of: Model, says: 'Models proposed.' },
  proposals: { of: Proposal, says: 'Proposals voted on.' },
  votes: { of: Vote, says: 'Votes cast.' },
  holders: { of: Holder, where: 'balance > 0', says: 'Accounts that hold gOPEN.' },
  mandates: { of: Mandate, says: 'Mandates issued.' },
  datanets: { of: Datanet, says: 'Datanets opened.' },
  contributions: { of: Contribution, says: 'Samples contributed.' },
  acceptedContributions: { of: Contribution, where: `status = 'Accepted'`, says: 'Of those, accepted.' },
  versions: { of: ModelVersion, says: 'Versions trained.' },
  promotedVersions: { of: ModelVersion, where: `status = 'Promoted'`, says: 'Of those, promoted.' },
  evaluations: { of: Evaluation, says: 'Metrics logged by evaluations.' },
  feedbackTasks: { of: FeedbackTask, says: 'Comparisons opened.' },
  judgements: { of: Judgement, says: 'Judgements committed.' },
  validators: { of: Validator, says: 'Validators.' },
  endpoints: { of: Endpoint, says: 'Endpoints registered.' },
  receipts: { of: Receipt, says: 'Calls answered.' },
  fees: { of: Receipt, sum: 'fee', says: 'Fees of the calls answered, in wei.' },
  settledFees: { of: UsageSettlement, sum: 'fees', says: 'Fees settled on chain, in wei.' },
  epochs: { of: RewardMap, where: `status = 'Published'`, says: 'Epochs with a published reward map.' },
  rewards: {
    of: RewardMap,
    where: `status = 'Published'`,
    sum: 'total',
    says: 'Payable by published reward maps, in wei.',
  },
  claimed: { of: RewardClaim, sum: 'amount', says: 'Rewards claimed, in wei.' },
  disputes: { of: Dispute, says: 'Disputes opened.' },
  openDisputes: { of: Dispute, where: `outcome = 'Open'`, says: 'Of those, open.' },
  jobs: { of: JobRun, says: 'Jobs asked for.' },
  runningJobs: { of: JobRun, where: `status in ('Queued', 'Running')`, says: 'Of those, waiting or running.' },
  failedJobs: { of: JobRun, where: `status = 'Failed'`, says: 'Of those, failed.' },
}

@ObjectType({ description: 'The whole lifecycle in figures.', simpleResolvers: true })
export class Overview {
  @Field(() => Int, { description: 'Accounts that contributed samples.' }) contributors!: number
}
for (const [name, { sum, says }] of Object.entries(FIGURES))
  declareField(Overview, name, sum ? () => BigIntScalar : () => Int, { description: says })

@Resolver()
export class OverviewResolver {
  @Query(() => Overview, {
    description:
      'The whole lifecycle in figures, at one moment; receipts and jobs, which stand outside of the chain, as they are now.',
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
