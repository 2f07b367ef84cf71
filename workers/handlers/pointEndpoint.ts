import { Endpoint } from '#schema/onchain/market.ts'
import { rowOf } from '#schema/rows.ts'
import { awaitHost } from '../awaitHost.ts'
import type { ChainDependencies } from '../dependencies.ts'
import { JobError, type JobHandler } from '../job.ts'
import { redeemFees } from '../settlement/redeemFees.ts'

/** Lets an endpoint of the workers' account serve another version. A redemption belongs to the version that its endpoint serves then (amendment 4a), so what
 *  consumers owe for the answers of the version before is redeemed first: its contributors have earned it. */
export const pointEndpointHandler =
  ({ hosts = [], redeemMin = 0n }: Pick<ChainDependencies, 'hosts' | 'redeemMin'>): JobHandler<'pointEndpoint'> =>
  async (job) => {
    const { endpointId, versionId } = job.input
    const endpoint = await rowOf(job.db, Endpoint, endpointId)
    const host = job.chain.account.toLowerCase()
    if (endpoint && hosts.includes(endpoint.host)) awaitHost(endpoint, host)
    if (endpoint?.host !== host)
      throw new JobError(
        'NOT_HOST',
        endpoint
          ? `Endpoint ${endpointId} belongs to ${endpoint.host}, but this worker signs as ${host}. Only its host changes the version.`
          : `There is no endpoint ${endpointId}. Query \`endpoints\` for the existing ones.`,
      )
    if (endpoint.versionId !== versionId) {
      const { failed } = await redeemFees(job, redeemMin)
      if (failed.length > 0) job.log.warn({ failed }, 'redemptions failed: their fees will be those of the new version')
      await job.chain.transact(`point:${job.id}`, {
        contract: 'InferenceMarket',
        functionName: 'setVersion',
        args: [BigInt(endpointId), BigInt(versionId)],
      })
    }
    return { result: { endpointId, versionId, before: endpoint.versionId } }
  }
