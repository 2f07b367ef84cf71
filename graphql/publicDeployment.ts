import type { RequestHandler } from 'express'
import { GraphQLJSONObject } from 'graphql-scalars'
import { Ctx, Field, Int, ObjectType, Query, Resolver } from 'type-graphql'
import { RELAYED_CALLS } from '#schema/relayedCalls.ts'
import { VERSION } from '#schema/version.ts'
import type { ApiContext, RelayLimits, Services } from './context.ts'

/** Where anybody finds what a client must know, besides the query `deployment`. */
export const DEPLOYMENT_PATH = '/.well-known/modelcommons.json'

@ObjectType({
  description: `What a client must know before it signs anything; also at \`${DEPLOYMENT_PATH}\`.`,
  simpleResolvers: true,
})
export class DeploymentFacts {
  @Field(() => String, { description: 'The release of this API.' }) version!: string
  @Field(() => Int, { description: 'The number of the chain, as in EIP-155.' }) chainId!: number
  @Field(() => GraphQLJSONObject, { description: 'The address of each contract, by its name.' })
  addresses!: Record<string, string>
  @Field(() => GraphQLJSONObject, {
    description: 'The settings of the contracts: durations in seconds, amounts in wei as decimal strings.',
  })
  settings!: Record<string, number | string>
  @Field(() => [String], { description: 'The hosts whose endpoints this API answers for.', complexity: 1 })
  hosts!: readonly string[]
  @Field(() => String, { nullable: true, description: 'A node of the chain that anybody may use.' })
  nodeUrl!: string | null
  @Field(() => GraphQLJSONObject, {
    nullable: true,
    description:
      'What the mutation `relay` sends for accounts without gas: `calls`, and the limits for one account in 24 hours, `actsPerDay` and `gasPerDay`, and for one act, `gasPerAct`. Null where nothing is relayed.',
  })
  relay!: (Omit<RelayLimits, 'totalGasPerDay'> & { calls: readonly string[] }) | null
}

/** The facts, without anything private: RPC_URL may hold a key, so only PUBLIC_NODE_URL is told. */
export const deploymentFacts = ({ deployment, relay }: Pick<Services, 'deployment' | 'relay'>): DeploymentFacts => ({
  version: VERSION,
  chainId: deployment.chainId,
  addresses: deployment.addresses,
  settings: Object.fromEntries(
    Object.entries(deployment.settings ?? {}).map(([name, value]) => [
      name,
      typeof value === 'bigint' ? value.toString() : value,
    ]),
  ),
  hosts: deployment.hosts ?? [],
  nodeUrl: deployment.nodeUrl ?? null,
  relay: relay ? relayFacts(relay) : null,
})

const relayFacts = ({ totalGasPerDay: _, ...limits }: RelayLimits) => ({ ...limits, calls: RELAYED_CALLS })

/** The facts as JSON for every origin. */
export const serveDeployment =
  (services: Services): RequestHandler =>
  (_request, response) => {
    response.set('access-control-allow-origin', '*').json(deploymentFacts(services))
  }

@Resolver()
export class DeploymentResolver {
  @Query(() => DeploymentFacts, { description: 'The chain, the contracts and their settings.' })
  deployment(@Ctx() context: ApiContext): DeploymentFacts {
    return deploymentFacts(context)
  }
}
