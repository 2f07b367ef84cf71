import { computeEpoch } from '#epochs/epoch.ts'
import { blockHashes, type FactSources } from '#epochs/epochSources.ts'
import { storePages } from '#epochs/mapPages.ts'
import { ArtifactError } from '#schema/artifacts/index.ts'
import { putDocument } from '#schema/documents.ts'
import { rewardMapDocument } from '#schema/rewardMapDocument.ts'
import { type ChainDependencies, storeAs } from '../dependencies.ts'
import { waitUntilIndexed } from '../finality.ts'
import type { JobHandler } from '../job.ts'
import { absentArtifacts } from '../settlement/absentArtifacts.ts'
import { waitUntilAttributed } from '../settlement/attributions.ts'
import { awaitUsage, bundledUsage } from '../settlement/bundledUsage.ts'
import { awaitEpochEnd } from '../settlement/epochEnd.ts'
import { checkOrder } from '../settlement/epochOrder.ts'
import { assignReceipts } from '../settlement/epochReceipts.ts'
import { outcomeOf, outcomeOfPublished } from '../settlement/outcome.ts'
import { publishMap } from '../settlement/publishMap.ts'

/** Settles an epoch: redeems the fees, waits until the epoch's last block is final and its opened answers are traced, computes the reward map
 *  from the chain and the artifacts, and publishes its root. Only the indexer marks the epoch as published, when it sees the event. */
export const settleEpochHandler =
  ({
    deployment,
    redeemMin = 0n,
    usageWaitSeconds = 0,
  }: Pick<ChainDependencies, 'redeemMin' | 'usageWaitSeconds'> & {
    deployment: FactSources['deployment']
  }): JobHandler<'settleEpoch'> =>
  async (job) => {
    const { epoch } = job.input
    await waitUntilIndexed(job, Number(await job.chain.client.getBlockNumber())) // what is settled is read from the chain
    const ended = await outcomeOfPublished(job, deployment, epoch)
    if (ended) return ended
    await checkOrder(job, epoch)
    const toBlock = await awaitEpochEnd(job, redeemMin)
    await assignReceipts(job.db, epoch)
    await waitUntilAttributed(job, toBlock)
    await awaitUsage(job, toBlock, usageWaitSeconds)

    job.report(0.7, 'computing the reward map')
    const sources = { sql: job.db, artifacts: job.artifacts, deployment, blockHash: blockHashes(job.chain.client) }
    const usage = await bundledUsage(job)
    const map = await computeEpoch(sources, { epoch, usage, absent: [] }).catch(async (error) => {
      if (!(error instanceof ArtifactError)) throw error
      return computeEpoch(sources, { epoch, usage, absent: await absentArtifacts(job, sources, toBlock) })
    })
    const store = storeAs(job, 'rewardMap')
    const uri = await putDocument(store, rewardMapDocument, await storePages(store, map, deployment.pageEntries))
    const published = await publishMap(job, map, uri)
    job.report(0.9, 'waiting for the index')
    await waitUntilIndexed(job, Number(published.blockNumber))
    return outcomeOf(job, deployment, uri)
  }
