import { publishArguments } from '#epochs/epoch.ts'
import { RevertError } from '../chainErrors.ts'
import { type JobContext, PendingError } from '../job.ts'

/**
 * Publishes an epoch's map. The same map is published again, by another transaction, when it was cancelled together with an earlier one.
 * @param uri the name of the map's document
 * @throws PendingError when the chain has replaced the epoch's last block since the map was computed: the map names the block's hash; or when the
 *  epoch was published meanwhile, by another attempt of this job that was taken for lost.
 */
export async function publishMap(
  job: JobContext<'settleEpoch'>,
  map: Parameters<typeof publishArguments>[0],
  uri: string,
) {
  const { chain } = job
  const { epoch } = job.input
  const lastChange = await chain.read('RewardDistributor', 'lastChange', [])
  const call = { contract: 'RewardDistributor', functionName: 'publish', args: publishArguments(map, uri) } as const
  return chain.transact(`publish:${epoch}:${uri}:${lastChange}`, call, { again: true }).catch(async (cause) => {
    const name = cause instanceof RevertError ? cause.errorName : undefined
    if (name === 'WrongBlockHash')
      throw new PendingError(
        `The chain has replaced the last block of epoch ${epoch} since its reward map was computed. It is computed again.`,
        { cause },
      )
    if (name === 'NotNextEpoch' && (await chain.read('RewardDistributor', 'lastEpoch', [])) >= BigInt(epoch))
      throw new PendingError(`Epoch ${epoch} was published meanwhile. Its map is read.`, { cause })
    throw cause
  })
}
