import type { ChainClient } from './chain.ts'

/** Registers a version on chain, once for each manifest, and returns its id. */
export async function registerVersion(
  { chain }: { chain: ChainClient },
  version: {
    modelId: string
    parentVersionId?: string
    method: string
    datasetRoot: string
    manifestHash: string
    adapterHash: string
  },
): Promise<string> {
  const { events } = await chain.transact(`version:${version.manifestHash}`, {
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
