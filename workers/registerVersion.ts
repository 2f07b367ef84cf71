import type { JobContext } from './job.ts'
import { spendMandate } from './mandateBudget.ts'

/** Registers a version on chain, once for each manifest, and returns its id. What the mandate pays for it is paid first: a version that nobody can pay
 *  is not registered. */
export async function registerVersion(
  job: Pick<JobContext, 'id' | 'chain'>,
  version: {
    modelId: string
    parentVersionId?: string
    method: string
    datasetRoot: string
    manifestHash: string
    adapterHash: string
    priceWei?: string
  },
): Promise<string> {
  const price = BigInt(version.priceWei ?? 0)
  if (price > 0n) await spendMandate(job, { modelId: version.modelId, purpose: 'training', amount: price })
  const { events } = await job.chain.transact(`version:${version.manifestHash}`, {
    contract: 'ModelRegistry',
    functionName: 'registerVersion',
    args: [
      BigInt(version.modelId),
      BigInt(version.parentVersionId ?? 0),
      version.method,
      version.datasetRoot as `0x${string}`,
      version.manifestHash as `0x${string}`,
      version.adapterHash as `0x${string}`,
    ],
  })
  for (const event of events)
    if (event.contract === 'ModelRegistry' && event.name === 'VersionRegistered') return event.args.versionId.toString()
  throw new Error('registerVersion was mined without its event. Check that the ABIs fit the deployment.')
}
