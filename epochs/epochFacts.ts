import type { AttributedReceipt } from '#rules/countedAnswers.ts'
import type { EndpointUsage, EpochFacts, EpochModel, EpochVersion } from '#rules/epochFacts.ts'
import { MAX_DEPTH } from '#rules/lineage.ts'
import { buildRewardMap } from '#rules/rewardMap.ts'
import { stakeTimes } from '#rules/stakeTime.ts'
import type { Sql } from '#schema/database.ts'
import { parseDocument, weighedManifest } from '#schema/documents.ts'
import { FeedbackTask, Judgement } from '#schema/onchain/feedback.ts'
import { Model, ModelVersion, RewardSplit } from '#schema/onchain/models.ts'
import { rowOf, rowsOf } from '#schema/rows.ts'
import { MAX_ALL_USAGE_BYTES, MAX_USAGE_BYTES, type SignedUsage } from '#schema/usageDocument.ts'
import { newDebts } from './corrections.ts'
import { type EpochBlocks, epochBlocks, type FactSources } from './epochSources.ts'
import { stateBefore } from './previousMap.ts'
import { type ArtifactReader, readDocument } from './readArtifacts.ts'
import { usageByHost } from './signedUsage.ts'
import { statedReceipts } from './statedReceipts.ts'

/** The facts that the rewards of an epoch are computed from, as of its last block. `usage`: as a map bundles them; they are read by `readUsage`. */
export async function epochFacts(
  sources: FactSources,
  blocks: EpochBlocks,
  usage: readonly SignedUsage[],
  read: ArtifactReader,
  readUsage = read,
): Promise<EpochFacts> {
  const { sql, deployment } = sources
  const { epoch, toBlock } = blocks
  const before = await stateBefore(sources, epoch, read, async () =>
    buildRewardMap(await epochFacts(sources, await epochBlocks(sources, epoch - 1), [], read)),
  )
  const redeemed = await redeemedFees(sql, epoch, toBlock)
  const distributor = deployment.addresses.RewardDistributor.toLowerCase() as `0x${string}`
  const domain = { chainId: deployment.chainId, contract: distributor }
  const documents = await usageByHost(usage, new Set(redeemed.map((one) => one.host)), domain, epoch)
  const receipts = await openedReceipts(documents, redeemed, epoch, readUsage)
  const versions = await versionFacts(sql, [...new Set(redeemed.map((one) => one.versionId))], toBlock, read)
  const named = [...versions.flatMap((one) => one.weights), ...receipts.flatMap((one) => one.parts)]
  const ids = [...new Set(named.map((one) => one.contributionId))]
  const contributions = await acceptedContributions(sql, ids, toBlock)
  return {
    chain: BigInt(deployment.chainId),
    distributor,
    epoch: BigInt(epoch),
    treasury: deployment.addresses.Treasury.toLowerCase() as `0x${string}`,
    usage: redeemed,
    receipts,
    versions,
    models: await modelFacts(sql, [...new Set(versions.map((one) => one.modelId))], blocks),
    contributions,
    excluded: contributions
      .filter((one) => one.excluded)
      .map(({ contributionId }) => ({ contributionId, fromEpoch: BigInt(epoch), reason: 'an upheld dispute' })),
    corrections: await newDebts(sources, blocks, read),
    before,
  }
}

/** The fees of the epoch by endpoint, version and consumer. A host is fixed when its endpoint is registered. */
async function redeemedFees(sql: Sql, epoch: number, block: number): Promise<EndpointUsage[]> {
  const { rows } = await sql.query<EndpointUsage>(
    `select r.endpoint_id as "endpointId", r.version_id as "versionId", r.consumer, e.host, sum(r.amount) as fees
     from redemption r join endpoint e on e.id = r.endpoint_id and e.from_block <= $2 and (e.to_block is null or e.to_block > $2)
     where r.epoch = $1 and r.from_block <= $2 and r.to_block is null
     group by r.endpoint_id, r.version_id, r.consumer, e.host`,
    [epoch, block],
  )
  return rows
}

/** The receipts that hosts' documents have of their own endpoints. A document that is too large alone or with those before it has no receipts.
 *  @throws ArtifactError when a document cannot be read. */
async function openedReceipts(
  documents: ReadonlyMap<string, string>,
  redeemed: readonly EndpointUsage[],
  epoch: number,
  read: ArtifactReader,
): Promise<AttributedReceipt[]> {
  const hosts = new Map(redeemed.map(({ endpointId, host }) => [endpointId, host]))
  const receipts: AttributedReceipt[] = []
  let left = MAX_ALL_USAGE_BYTES
  for (const [host, name] of documents) {
    const bytes = await readDocument(read, name, Math.min(MAX_USAGE_BYTES, left))
    left -= bytes?.length ?? 0
    const isOwn = (endpointId: string) => hosts.get(endpointId) === host
    for (const receipt of bytes ? statedReceipts(bytes, epoch, isOwn) : []) receipts.push(receipt)
  }
  return receipts
}

/** The versions that served, and the ancestors that share in their revenue. A manifest that several of them have is read once. */
async function versionFacts(sql: Sql, serving: string[], block: number, read: ArtifactReader): Promise<EpochVersion[]> {
  const versions = new Map<string, EpochVersion>()
  const manifests = new Map<string, Promise<ManifestFacts>>()
  const factsOf = (name: string) => {
    const known = manifests.get(name) ?? manifestFacts(sql, name, block, read)
    manifests.set(name, known)
    return known
  }
  for (const served of serving)
    for (let [id, depth]: [string | null, number] = [served, 0]; id !== null && depth <= MAX_DEPTH; depth++) {
      const version: EpochVersion = versions.get(id) ?? (await versionFact(sql, id, block, factsOf))
      versions.set(id, version)
      id = version.parentVersionId
    }
  return [...versions.values()]
}

async function versionFact(
  sql: Sql,
  versionId: string,
  block: number,
  factsOf: (manifest: string) => Promise<ManifestFacts>,
): Promise<EpochVersion> {
  const version = await rowOf(sql, ModelVersion, versionId, block)
  if (!version) throw new RangeError(`Version ${versionId} earned fees, but is not on chain as of block ${block}.`)
  const { modelId, parentId: parentVersionId, manifestHash } = version
  return { versionId, modelId, parentVersionId, ...(await factsOf(manifestHash)) }
}

type ManifestFacts = Pick<EpochVersion, 'weights' | 'judgements'>

/** The weights and the judgements that a manifest names. One that is absent or none names nothing. Of what it names, only what is on the chain stays in memory:
 *  it may name millions, and very many versions may have one. */
async function manifestFacts(sql: Sql, name: string, block: number, read: ArtifactReader): Promise<ManifestFacts> {
  const bytes = await readDocument(read, name)
  const parsed = bytes && parseDocument(weighedManifest, bytes)
  const { evidence, weights } = parsed?.success ? parsed.data : { evidence: [], weights: [] }
  const judgements: EpochVersion['judgements'][number][] = []
  for (const hashes of partsOf([...new Set(evidence)])) judgements.push(...(await judgementsOf(sql, hashes, block)))
  return { weights: await acceptedWeights(sql, weights, block), judgements }
}

async function judgementsOf(sql: Sql, evidence: readonly string[], block: number): Promise<EpochVersion['judgements']> {
  const tasks = await rowsOf(sql, FeedbackTask, 'evidence_hash = any($1)', [evidence], { block })
  const ids = tasks.map((one) => one.id)
  const judgements = await rowsOf(sql, Judgement, 'task_id = any($1) and score > 0', [ids], { block })
  return judgements.map(({ taskId, validator, score }) => ({
    taskId,
    validator: validator as `0x${string}`,
    score: BigInt(score ?? 0),
  }))
}

/** The weights above 0 of accepted contributions; of several of one contribution, the first. No others count (`countedWeights`). */
async function acceptedWeights(
  sql: Sql,
  weights: readonly { contributionId: string; weight: string }[],
  block: number,
): Promise<EpochVersion['weights']> {
  const counted = new Map<string, bigint>()
  for (const part of partsOf(weights)) {
    const ids = part.map(({ contributionId }) => contributionId)
    const accepted = new Set((await acceptedContributions(sql, ids, block)).map(({ contributionId }) => contributionId))
    for (const { contributionId, weight } of part)
      if (accepted.has(contributionId) && !counted.has(contributionId) && BigInt(weight) > 0n)
        counted.set(contributionId, BigInt(weight))
  }
  return [...counted].map(([contributionId, weight]) => ({ contributionId, weight }))
}

/** What one statement asks for. */
const MAX_ASKED = 10_000

function* partsOf<T>(items: readonly T[]): Generator<T[]> {
  for (let from = 0; from < items.length; from += MAX_ASKED) yield items.slice(from, from + MAX_ASKED)
}

type AcceptedContribution = EpochFacts['contributions'][number] & { excluded: boolean }

async function acceptedContributions(sql: Sql, ids: string[], block: number): Promise<AcceptedContribution[]> {
  const { rows } = await sql.query<AcceptedContribution>(
    `select id as "contributionId", contributor, excluded from contribution
     where id = any($1) and status = 'Accepted' and from_block <= $2 and (to_block is null or to_block > $2)`,
    [ids, block],
  )
  return rows
}

async function modelFacts(sql: Sql, modelIds: string[], { fromBlock, toBlock }: EpochBlocks): Promise<EpochModel[]> {
  return Promise.all(
    modelIds.map(async (modelId) => {
      const model = await rowOf(sql, Model, modelId, toBlock)
      const split = await rowOf(sql, RewardSplit, modelId, toBlock)
      if (!model || !split)
        throw new RangeError(`Model ${modelId} or its split is not on chain as of block ${toBlock}.`)
      const { rows: stakes } = await sql.query(
        `select account, amount, from_block as "fromBlock", to_block as "toBlock" from model_stake
         where model_id = $1 and amount > 0 and from_block <= $3 and (to_block is null or to_block > $2)`,
        [modelId, fromBlock, toBlock],
      )
      return {
        modelId,
        owner: model.proposer as `0x${string}`,
        terms: termsOf(split),
        stakes: stakeTimes(stakes, { fromBlock, toBlock }),
      }
    }),
  )
}

const termsOf = (split: RewardSplit): EpochModel['terms'] => ({
  platform: BigInt(split.platform),
  owner: BigInt(split.owner),
  stakers: BigInt(split.stakers),
  data: BigInt(split.data),
  validators: BigInt(split.validators),
  host: BigInt(split.host),
  ancestors: BigInt(split.ancestors),
  dataByWeight: BigInt(split.dataByWeight),
  unattributedByWeight: split.unattributedByWeight,
})
