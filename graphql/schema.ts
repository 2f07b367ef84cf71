import { type GraphQLSchema, lexicographicSortSchema, printSchema } from 'graphql'
import { buildSchemaSync } from 'type-graphql'
import type { EntityClass } from '#schema/define.ts'
import { CancelCommand, jobResolver } from './commands/jobs.ts'
import { UploadCommand } from './commands/upload.ts'
import { VoucherCommand } from './commands/vouchers.ts'
import { resolveDirectly } from './derive/declare.ts'
import { entityResolvers } from './derive/entities.ts'
import { declareNodes } from './derive/node.ts'
import { ArtifactFacts } from './facts/artifacts.ts'
import { ContributorFacts } from './facts/contributors.ts'
import { GovernorConcentration, ProposalConcentration } from './facts/governance/concentration.ts'
import { DriftFacts } from './facts/governance/drift.ts'
import { DelegationFacts, PowerFacts } from './facts/governance/power.ts'
import { TurnoutFacts } from './facts/governance/turnout.ts'
import { VoterFacts } from './facts/governance/voters.ts'
import { LineageFacts } from './facts/lineage.ts'
import { Nodes } from './facts/nodes.ts'
import { OverviewFacts } from './facts/overview.ts'
import { ProposalFacts } from './facts/proposals.ts'
import { RewardFacts } from './facts/rewards.ts'
import { StateRootFacts } from './facts/stateRoot.ts'
import { VersionFacts } from './facts/versions.ts'
import { LiveEvents } from './live/events.ts'
import { LiveJobs } from './live/jobs.ts'

let built: GraphQLSchema | undefined

/** The schema: what follows from the entity classes, and what the resolvers of `facts/`, `commands/` and `live/` add. */
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
