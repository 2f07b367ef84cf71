import { type GraphQLSchema, lexicographicSortSchema, printSchema } from 'graphql'
import { buildSchemaSync } from 'type-graphql'
import type { EntityClass } from '#schema/define.ts'
import { CountersignCommand } from './commands/countersignReceipt.ts'
import { DeleteTextsCommand } from './commands/deleteTexts.ts'
import { EndpointCallersCommand, EndpointCallersResolver } from './commands/endpointCallersCommand.ts'
import { CancelCommand, jobResolver } from './commands/jobs.ts'
import { OpenReceiptsCommand } from './commands/openReceipts.ts'
import { RemovalCommands } from './commands/removals.ts'
import { RetryCommands } from './commands/retryCommands.ts'
import { StewardCommands } from './commands/steward.ts'
import { UploadCommand } from './commands/upload.ts'
import { UsageCommand } from './commands/usage.ts'
import { VoucherCommand } from './commands/vouchers.ts'
import { resolveDirectly } from './derive/declare.ts'
import { entityResolvers } from './derive/entities.ts'
import { declareNodes } from './derive/node.ts'
import { EventSubscription } from './live/events.ts'
import { JobSubscription } from './live/jobs.ts'
import { DeploymentResolver } from './publicDeployment.ts'
import { ArtifactResolver } from './resolvers/artifacts.ts'
import { AgeResolver } from './resolvers/governance/ages.ts'
import { VotingBlocResolver } from './resolvers/governance/blocs.ts'
import { GovernorConcentrationResolver, ProposalConcentrationResolver } from './resolvers/governance/concentration.ts'
import { ReconciliationResolver } from './resolvers/governance/drift.ts'
import { DelegateOverlapResolver } from './resolvers/governance/overlap.ts'
import { DelegationResolver, PowerHistoryResolver } from './resolvers/governance/power.ts'
import { TurnoutResolver } from './resolvers/governance/turnout.ts'
import { VoterResolver } from './resolvers/governance/voters.ts'
import { JobAnswerResolver } from './resolvers/jobAnswer.ts'
import { DatanetLicencesResolver, ModelLicencesResolver, VersionLicencesResolver } from './resolvers/licences.ts'
import { LineageResolver } from './resolvers/lineage.ts'
import { MandateVerdictResolver } from './resolvers/mandateVerdict.ts'
import { NodeResolver } from './resolvers/nodes.ts'
import { OverviewResolver } from './resolvers/overview.ts'
import { ProposalResolver } from './resolvers/proposals.ts'
import { EndpointDataResolver, RemovedDataResolver, VersionDataResolver } from './resolvers/removedData.ts'
import { RewardReasonResolver } from './resolvers/rewardReasons.ts'
import { RewardProofResolver } from './resolvers/rewards.ts'
import { SearchResolver } from './resolvers/search.ts'
import { SpecificationResolver } from './resolvers/specifications.ts'
import { StateRootResolver } from './resolvers/stateRoot.ts'
import { ContributorResolver } from './resolvers/totals/contributors.ts'
import { ValidatorTotalsResolver } from './resolvers/totals/validators.ts'
import { VersionTotalsResolver } from './resolvers/totals/versions.ts'
import { UsageResolver } from './resolvers/usage.ts'
import { ValidatorRoundResolver } from './resolvers/validatorRounds.ts'
import { VersionDocumentResolver } from './resolvers/versionDocuments.ts'
import { VersionResolver } from './resolvers/versions.ts'
import { WorkerNodeResolver } from './resolvers/workers.ts'

let built: GraphQLSchema | undefined

/** The schema: the part derived from the entity classes, and the resolvers of `resolvers/`, `commands/` and `live/`. */
export function apiSchema(): GraphQLSchema {
  if (built) return built
  const resolvers: EntityClass[] = [
    ...entityResolvers(),
    NodeResolver,
    DeploymentResolver,
    SearchResolver,
    StateRootResolver,
    ProposalResolver,
    AgeResolver,
    VotingBlocResolver,
    DelegateOverlapResolver,
    GovernorConcentrationResolver,
    ProposalConcentrationResolver,
    TurnoutResolver,
    VoterResolver,
    PowerHistoryResolver,
    DelegationResolver,
    ReconciliationResolver,
    VersionResolver,
    VersionDataResolver,
    VersionDocumentResolver,
    ModelLicencesResolver,
    VersionLicencesResolver,
    DatanetLicencesResolver,
    EndpointDataResolver,
    RemovedDataResolver,
    MandateVerdictResolver,
    SpecificationResolver,
    JobAnswerResolver,
    WorkerNodeResolver,
    UsageResolver,
    LineageResolver,
    RewardProofResolver,
    RewardReasonResolver,
    ContributorResolver,
    ValidatorTotalsResolver,
    VersionTotalsResolver,
    ValidatorRoundResolver,
    ArtifactResolver,
    OverviewResolver,
    jobResolver(),
    CancelCommand,
    RetryCommands,
    StewardCommands,
    RemovalCommands,
    OpenReceiptsCommand,
    CountersignCommand,
    DeleteTextsCommand,
    EndpointCallersCommand,
    EndpointCallersResolver,
    UsageCommand,
    VoucherCommand,
    UploadCommand,
    JobSubscription,
    EventSubscription,
  ]
  declareNodes()
  built = buildSchemaSync({
    resolvers: resolvers as unknown as [EntityClass],
    validate: false,
    // Every subscription has a stream of its own, but type-graphql requires a pubSub.
    pubSub: { publish: () => {}, subscribe: () => (async function* () {})() },
  })
  resolveDirectly(built)
  describeRoots(built)
  return built
}

const ROOTS = {
  Query:
    'What can be read: the chain’s facts as of any block, the work of this installation, and what follows from both.',
  Mutation:
    'What can be asked for: jobs, uploads and signed statements. Each takes a key that makes it safe to repeat.',
  Subscription: 'What is told as it happens.',
}

function describeRoots(schema: GraphQLSchema): void {
  for (const [name, description] of Object.entries(ROOTS)) {
    const type = schema.getType(name)
    if (type) type.description = description
  }
}

/** The schema as SDL, sorted, so that a diff shows only what changed. */
export const printedSchema = () => `${printSchema(lexicographicSortSchema(apiSchema()))}\n`
