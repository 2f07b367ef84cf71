import { join } from 'node:path'
import { privateKeyToAccount } from 'viem/accounts'
import { type SigningDomain, usageData } from '#rules/signing.ts'
import { localStore } from '#schema/artifacts/index.ts'
import { documentBytes } from '#schema/documents.ts'
import { ChainEvent } from '#schema/onchain/chain.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { FeedbackTask, Judgement } from '#schema/onchain/feedback.ts'
import { Endpoint, Redemption } from '#schema/onchain/market.ts'
import { Model, ModelStake, ModelVersion, RewardSplit } from '#schema/onchain/models.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import type { WholeRewardMap } from '#schema/rewardMapDocument.ts'
import type { SignedUsage } from '#schema/usageDocument.ts'
import { freshDatabase } from '#test/database.ts'
import { account, blockHash, insert, insertAll, insertChain } from '#test/factory.ts'
import { temporaryFolder } from '#workers/test/testWorker.ts'
import type { EpochSources } from '../epochSources.ts'

/** An index with two epochs whose fees are known: blocks 5 to 20 and 21 to 40 of 50. Model 1 has version 1 (two samples) and version 2,
 *  trained from it (one sample, one judgement); endpoint 1 serves version 2. */

export const hostKey = privateKeyToAccount(`0x${'04'.repeat(32)}`)
export const strangerKey = privateKeyToAccount(`0x${'05'.repeat(32)}`)

export const parties = {
  treasury: account(1),
  distributor: account(2),
  owner: account(3),
  host: hostKey.address.toLowerCase(),
  alice: account(5),
  bob: account(6),
  judge: account(7),
  asker: account(8),
}
export const digitHash = (digit: string) => `0x${digit.repeat(64)}`
const EVIDENCE = digitHash('e')
export const FEES = { 1: 100_000n, 2: 50_000n }

/** What the reward map reads of a manifest. */
export const manifest = (weights: Record<string, number>, evidence: string[] = []) => ({
  evidence,
  weights: Object.entries(weights).map(([contributionId, weight]) => ({ contributionId, weight: String(weight) })),
})

export const openedReceipt = (over: object = {}) => ({
  id: 'r1',
  endpointId: '1',
  versionId: '2',
  channelId: digitHash('c'),
  consumer: parties.asker,
  prompt: 'How?',
  answer: 'So.',
  tokensIn: 1,
  tokensOut: 2,
  fee: '50000',
  cumulative: '50000',
  signature: '0x',
  attribution: [{ contributionId: '1', mass: 1_000_000 }],
  ...over,
})

export async function epochRows(documents: { parent?: unknown; child?: unknown } = {}) {
  const sql = await freshDatabase()
  const folder = join(await temporaryFolder(), 'artifacts')
  const artifacts = localStore(folder)
  const put = (value: unknown) => artifacts.put(value instanceof Uint8Array ? value : documentBytes(value))
  const parent = await put(documents.parent ?? manifest({ 1: 1, 2: 3, 4: 9 }))
  const child = await put(documents.child ?? manifest({ 3: 1, 5: 7 }, [EVIDENCE]))
  await insertChain(sql, 50)
  const event = { id: 'first', contract: 'RewardDistributor', name: 'RoleGranted', address: parties.distributor }
  await insert(sql, ChainEvent, { ...event, fromBlock: 5 })
  await insert(sql, Model, { id: '1', proposer: parties.owner })
  const shares = { platform: 1_000, owner: 2_000, stakers: 0, data: 6_000, validators: 1_000, host: 1_000 }
  const split = { ...shares, ancestors: 1_000, dataByWeight: 5_000, unattributedByWeight: false }
  await insert(sql, RewardSplit, { id: '1', modelId: '1', ...split })
  await insertAll(sql, ModelVersion, [
    { id: '1', modelId: '1', manifestHash: parent },
    { id: '2', modelId: '1', parentId: '1', manifestHash: child },
  ])
  await insertAll(
    sql,
    Contribution,
    ['Accepted', 'Accepted', 'Accepted', 'Rejected', 'Accepted'].map((status, i) => ({
      id: String(i + 1),
      contributor: i === 0 ? parties.alice : parties.bob,
      status: status as Contribution['status'],
      excluded: i === 4,
    })),
  )
  await insert(sql, FeedbackTask, { id: '1', versionId: '1', evidenceHash: EVIDENCE })
  await insert(sql, Judgement, { id: `1-${parties.judge}`, taskId: '1', validator: parties.judge, score: 5 })
  await insert(sql, ModelStake, { id: `1-${parties.bob}`, modelId: '1', account: parties.bob, amount: 10n })
  await insert(sql, Endpoint, { id: '1', versionId: '2', host: parties.host })
  for (const [epoch, fromBlock] of [
    [1, 10],
    [2, 30],
  ] as const)
    await insert(sql, Redemption, {
      id: `redeemed in ${epoch}`,
      endpointId: '1',
      versionId: '2',
      consumer: parties.asker,
      epoch,
      amount: FEES[epoch],
      fromBlock,
    })
  await insertAll(sql, RewardMap, [
    { id: '1', epoch: 1, lastBlock: 20, funded: FEES[1], fromBlock: 10 },
    { id: '2', epoch: 2, lastBlock: 40, funded: FEES[2], fromBlock: 30 },
  ])
  const addresses = {
    RewardDistributor: parties.distributor,
    Treasury: parties.treasury,
  } as EpochSources['deployment']['addresses']
  const sources: EpochSources = {
    sql,
    artifacts,
    deployment: { chainId: 31337, addresses },
    blockHash: async (block) => blockHash(block),
  }
  const domain = { chainId: sources.deployment.chainId, contract: parties.distributor as `0x${string}` }
  /** A usage document as a map bundles it; signed by the host of endpoint 1 for epoch 1 of this chain, unless something else is given. */
  const bundle = async (
    document: unknown,
    over: Partial<typeof domain> & { epoch?: number; key?: typeof hostKey } = {},
  ) => {
    const { epoch = 1, key = hostKey, ...other } = over
    return signUsage(key, { ...domain, ...other }, epoch, await put(document))
  }
  /** Marks the map as published: its document is stored, unless `uri` names something else. */
  const publish = async (map: WholeRewardMap, over: Partial<RewardMap> = {}) => {
    const uri = await put(map)
    const { fromBlock: firstBlock, blockHash, root, codeHash } = map
    const row = { firstBlock, blockHash, root, codeHash, uri, total: BigInt(map.total), ...over }
    await sql.query('delete from reward_map where id = $1', [String(map.epoch)])
    const id = String(map.epoch)
    await insert(sql, RewardMap, { id, epoch: map.epoch, lastBlock: map.toBlock, status: 'Published', ...row })
    return uri
  }
  return { sql, artifacts, folder, sources, put, bundle, publish, parent, child }
}

export const signUsage = async (
  key: Pick<typeof hostKey, 'signTypedData'>,
  domain: SigningDomain,
  epoch: number,
  document: string,
): Promise<SignedUsage> => ({
  document,
  signature: await key.signTypedData(usageData(domain, epoch, document as `0x${string}`)),
})

/** What an account can claim by the map. */
export const cumulativeOf = (map: WholeRewardMap, who: string) =>
  Number(map.leaves.find((leaf) => leaf.account === who)?.cumulative ?? 0)
