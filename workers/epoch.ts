import type { Deployment } from '#contracts/deploy.ts'
import type { CarriedPot, EpochFacts, EpochModel, EpochVersion } from '#rules/epochFacts.ts'
import { buildRewardMap } from '#rules/rewardMap.ts'
import { stakeTimes } from '#rules/stakeTime.ts'
import type { ArtifactStore } from '#schema/artifacts/index.ts'
import type { Sql } from '#schema/database.ts'
import {
  getDocument,
  manifestDocument,
  type RewardMapDocument,
  rewardMapDocument,
  usageDocument,
} from '#schema/documents.ts'
import { Block } from '#schema/onchain/chain.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { FeedbackTask, Judgement } from '#schema/onchain/feedback.ts'
import { Endpoint, UsageSettlement } from '#schema/onchain/market.ts'
import { Model, ModelVersion, RewardSplit } from '#schema/onchain/models.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { rowOf, rowsOf } from '#schema/rows.ts'
import { codeHash } from './codeHash.ts'

/** Computes the reward map of an epoch only from the chain as of one final block and from the artifacts that the chain names. Anyone with
 *  their own index computes the same bytes. */

export interface EpochSources {
  sql: Sql
  artifacts: Pick<ArtifactStore, 'get'>
  deployment: Pick<Deployment, 'addresses' | 'chainId' | 'startBlock'>
}

const ZERO = `0x${'0'.repeat(40)}`

/** The block as of which an epoch is computed: the one in which the last of its usage was settled. Undefined without usage. */
export async function closingBlock(sql: Sql, epoch: number): Promise<number | undefined> {
  const usage = await rowsOf(sql, UsageSettlement, 'epoch = $1', [epoch])
  return usage.length ? Math.max(...usage.map((one) => one.fromBlock)) : undefined
}

/** Computes the map of `epoch` as of `toBlock`. @throws ArtifactError, or RangeError that names the first missing or contradicting fact. */
export async function computeEpoch(sources: EpochSources, epoch: number, toBlock: number): Promise<RewardMapDocument> {
  const { sql, deployment } = sources
  const before = await previousMap(sources, epoch, toBlock)
  const facts = await epochFacts(sources, epoch, toBlock, before)
  const { root, total, leaves, carried, debts, lines } = buildRewardMap(facts)
  const [block] = await rowsOf(sql, Block, 'number = $1', [toBlock])
  if (!block) throw new RangeError(`Block ${toBlock} is not indexed yet. Wait until the indexer has reached it.`)
  return {
    epoch,
    chainId: deployment.chainId,
    distributor: facts.distributor,
    fromBlock: before ? before.toBlock + 1 : Number(deployment.startBlock),
    toBlock,
    blockHash: block.hash,
    root,
    total: total.toString(),
    leaves: leaves.map(({ account, cumulative }) => ({ account, cumulative: cumulative.toString() })),
    carried: carried.map((one) => ({ ...one, amount: one.amount.toString() })),
    debts: debts.map((one) => ({ ...one, amount: one.amount.toString() })),
    lines: lines.map((one) => ({
      ...one,
      amount: one.amount.toString(),
      pot: one.pot.toString(),
      weight: one.weight.toString(),
      whole: one.whole.toString(),
    })),
    codeHash: await codeHash(),
  }
}

/** The arguments of `RewardDistributor.publish` for a map whose document is stored as `uri`. */
export const publishArguments = (map: RewardMapDocument, uri: string) =>
  [
    BigInt(map.epoch),
    BigInt(map.fromBlock),
    BigInt(map.toBlock),
    map.blockHash as `0x${string}`,
    map.root as `0x${string}`,
    BigInt(map.total),
    uri,
    map.codeHash as `0x${string}`,
  ] as const

/** The published map of the previous epoch; undefined for the first epoch. */
async function previousMap(
  { sql, artifacts }: EpochSources,
  epoch: number,
  block: number,
): Promise<RewardMapDocument | undefined> {
  if (epoch <= 1) return undefined
  const row = await rowOf(sql, RewardMap, String(epoch - 1), block)
  if (row?.status !== 'Published' || !row.uri)
    throw new RangeError(`Epoch ${epoch - 1} is not published: epochs are settled in order.`)
  return getDocument(artifacts, rewardMapDocument, row.uri)
}

async function epochFacts(
  sources: EpochSources,
  epoch: number,
  block: number,
  before: RewardMapDocument | undefined,
): Promise<EpochFacts> {
  const { sql, artifacts, deployment } = sources
  const settled = await rowsOf(sql, UsageSettlement, 'epoch = $1', [epoch], { block, orderBy: 'endpoint_id::numeric' })
  const hosts = new Map(
    (await rowsOf(sql, Endpoint, 'true', [], { block })).map((one) => [one.id, one.host as `0x${string}`]),
  )
  const receipts: EpochFacts['receipts'][number][] = []
  const usage = new Map<string, EpochFacts['usage'][number]>()
  for (const { endpointId, root, fees } of settled) {
    const document = await getDocument(artifacts, usageDocument, root)
    const host = hosts.get(endpointId)
    if (!host) throw new RangeError(`Endpoint ${endpointId} has usage, but is not on chain as of block ${block}.`)
    let sum = 0n
    for (const one of document.receipts) {
      const fee = BigInt(one.fee)
      sum += fee
      const key = `${endpointId}/${one.versionId}`
      const before = usage.get(key)?.fees ?? 0n
      usage.set(key, { endpointId, versionId: one.versionId, host, fees: before + fee })
      const parts = one.attribution.map(({ contributionId, mass }) => ({ contributionId, mass: BigInt(mass) }))
      receipts.push({ receiptId: one.id, endpointId, versionId: one.versionId, fee, parts })
    }
    if (sum !== fees)
      throw new RangeError(
        `The receipts of endpoint ${endpointId} in epoch ${epoch} sum to ${sum} wei; the chain says ${fees}.`,
      )
  }
  const { versions, modelIds } = await versionFacts(
    sources,
    [...usage.values()].map((one) => one.versionId),
    block,
  )
  const named = new Set(
    [...versions.flatMap((one) => one.weights), ...receipts.flatMap((one) => one.parts)].map(
      (one) => one.contributionId,
    ),
  )
  const contributions = await rowsOf(sql, Contribution, 'id = any($1)', [[...named]], { block })
  return {
    chain: BigInt(deployment.chainId),
    distributor: deployment.addresses.RewardDistributor.toLowerCase() as `0x${string}`,
    epoch: BigInt(epoch),
    treasury: deployment.addresses.Treasury.toLowerCase() as `0x${string}`,
    usage: [...usage.values()],
    receipts,
    versions,
    models: await modelFacts(sql, modelIds, {
      fromBlock: before ? before.toBlock + 1 : Number(deployment.startBlock),
      toBlock: block,
    }),
    contributions: contributions.map((one) => ({
      contributionId: one.id,
      contributor: one.contributor as `0x${string}`,
    })),
    excluded: contributions
      .filter((one) => one.excluded)
      .map((one) => ({ contributionId: one.id, fromEpoch: BigInt(epoch), reason: 'an upheld dispute' })),
    corrections: [],
    before: {
      accounts: (before?.leaves ?? []).map(({ account, cumulative }) => ({
        account: account as `0x${string}`,
        cumulative: BigInt(cumulative),
        claimed: BigInt(cumulative),
      })),
      carried: (before?.carried ?? []).map((one) => ({ ...one, amount: BigInt(one.amount) }) as CarriedPot),
      debts: (before?.debts ?? []).map((one) => ({
        ...one,
        account: one.account as `0x${string}`,
        to: one.to as `0x${string}` | null,
        amount: BigInt(one.amount),
      })),
    },
  }
}

/** The versions that served, and their ancestors. */
async function versionFacts(
  { sql, artifacts }: EpochSources,
  serving: string[],
  block: number,
): Promise<{ versions: EpochVersion[]; modelIds: string[] }> {
  const versions: EpochVersion[] = []
  const modelIds = new Set<string>()
  const wanted = [...new Set(serving)]
  for (const versionId of wanted) {
    const version = await rowOf(sql, ModelVersion, versionId, block)
    if (!version) throw new RangeError(`Version ${versionId} served, but is not on chain as of block ${block}.`)
    if (version.parentId && !wanted.includes(version.parentId)) wanted.push(version.parentId)
    const versionManifest = await getDocument(artifacts, manifestDocument, version.manifestHash)
    const tasks = await rowsOf(sql, FeedbackTask, 'evidence_hash = any($1)', [versionManifest.evidence], { block })
    const judgements = await rowsOf(sql, Judgement, 'task_id = any($1) and score > 0', [tasks.map((one) => one.id)], {
      block,
    })
    modelIds.add(version.modelId)
    versions.push({
      versionId,
      modelId: version.modelId,
      parentVersionId: version.parentId,
      weights: versionManifest.weights
        .map(({ contributionId, weight }) => ({ contributionId, weight: BigInt(weight) }))
        .filter((one) => one.weight > 0n),
      judgements: judgements.map(({ taskId, validator, score }) => ({
        taskId,
        validator: validator as `0x${string}`,
        score: BigInt(score ?? 0),
      })),
    })
  }
  return { versions, modelIds: [...modelIds] }
}

/** `epoch`: its blocks, first and last included. */
async function modelFacts(
  sql: Sql,
  modelIds: string[],
  epoch: { fromBlock: number; toBlock: number },
): Promise<EpochModel[]> {
  const block = epoch.toBlock
  return Promise.all(
    modelIds.map(async (modelId) => {
      const model = await rowOf(sql, Model, modelId, block)
      const split = await rowOf(sql, RewardSplit, modelId, block)
      if (!model || !split) throw new RangeError(`Model ${modelId} or its split is not on chain as of block ${block}.`)
      const { rows: stakes } = await sql.query(
        `select account, amount, from_block as "fromBlock", to_block as "toBlock" from model_stake
         where model_id = $1 and amount > 0 and from_block <= $3 and (to_block is null or to_block > $2)`,
        [modelId, epoch.fromBlock, epoch.toBlock],
      )
      return {
        modelId,
        owner: model.proposer as `0x${string}`,
        terms: termsOf(split),
        stakes: stakeTimes(stakes, epoch),
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
  unattributed: split.unattributed === ZERO ? null : (split.unattributed as `0x${string}`),
})
