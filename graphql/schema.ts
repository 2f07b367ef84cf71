import { type GraphQLSchema, lexicographicSortSchema, printSchema } from 'graphql'
import { buildSchemaSync } from 'type-graphql'
import type { EntityClass } from '#schema/define.ts'
import { CancelCommand, jobResolver } from './commands/jobs.ts'
import { UploadCommand } from './commands/upload.ts'
import { VoucherCommand } from './commands/vouchers.ts'
import { resolveDirectly } from './derive/declare.ts'
import { entityResolvers } from './derive/entities.ts'
import { declareNodes } from './derive/node.ts'
import { LiveEvents } from './live/events.ts'
import { LiveJobs } from './live/jobs.ts'
import { ArtifactFacts } from './resolvers/artifacts.ts'
import { ContributorFacts } from './resolvers/contributors.ts'
import { GovernorConcentration, ProposalConcentration } from './resolvers/governance/concentration.ts'
import { DriftFacts } from './resolvers/governance/drift.ts'
import { DelegationFacts, PowerFacts } from './resolvers/governance/power.ts'
import { TurnoutFacts } from './resolvers/governance/turnout.ts'
import { VoterFacts } from './resolvers/governance/voters.ts'
import { LineageFacts } from './resolvers/lineage.ts'
import { Nodes } from './resolvers/nodes.ts'
import { OverviewFacts } from './resolvers/overview.ts'
import { ProposalFacts } from './resolvers/proposals.ts'
import { RewardFacts } from './resolvers/rewards.ts'
import { StateRootFacts } from './resolvers/stateRoot.ts'
import { VersionFacts } from './resolvers/versions.ts'

let built: GraphQLSchema | undefined

/** The schema: what follows from the entity classes, and what the resolvers of `resolvers/`, `commands/` and `live/` add. */
export function apiSchema(): GraphQLSchema {
  if (built) return built
  const resolvers: EntityClass[] = [
    ...entityResolvers(),
    Nodes,
    StateRootFacts,
    ProposalFacts,
    GovernorConcentration,
    ProposalConcentration,
    TurnoutFacts,
    VoterFacts,
    PowerFacts,
    DelegationFacts,
    DriftFacts,
    VersionFacts,
    LineageFacts,
    RewardFacts,
    ContributorFacts,
    ArtifactFacts,
    OverviewFacts,
    jobResolver(),
    CancelCommand,
    VoucherCommand,
    UploadCommand,
    LiveJobs,
    LiveEvents,
  ]
  declareNodes()
  built = buildSchemaSync({
    resolvers: resolvers as unknown as [EntityClass],
    validate: false,
    // Every subscription brings its own stream; type-graphql wants to be given a hub all the same.
    pubSub: { publish: () => {}, subscribe: () => (async function* () {})() },
  })
  resolveDirectly(built)
  return built
}

/** The schema in its own language, sorted, so that a change shows as the lines it changes. */
export const printedSchema = () => `${printSchema(lexicographicSortSchema(apiSchema()))}\n`
