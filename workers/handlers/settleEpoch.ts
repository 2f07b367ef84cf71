import { setTimeout as sleep } from 'node:timers/promises'
import { keccak256, stringToBytes } from 'viem'
import { databaseTime } from '#schema/database.ts'
import {
  getDocument,
  putDocument,
  type RewardMapDocument,
  rewardMapDocument,
  type UsageReceipt,
  usageDocument,
} from '#schema/documents.ts'
import { SignedVoucher } from '#schema/offchain/access.ts'
import { AnswerAttribution, Receipt } from '#schema/offchain/attribution.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { RewardLine } from '#schema/offchain/ledger.ts'
import { UsageSettlement } from '#schema/onchain/market.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { row, rowOf, rowsOf } from '#schema/rows.ts'
import { type ChainDependencies, storeAs } from '../dependencies.ts'
import { closingBlock, computeEpoch, publishArguments } from '../epoch.ts'
import { IndexBehindError, waitUntilFinal, waitUntilIndexed } from '../finality.ts'
import {
  AttributionPendingError,
  type JobContext,
  JobError,
  type JobHandler,
  type JobOutcome,
  PendingError,
} from '../job.ts'
import { adoptSettlements, usageKey } from '../settledUsage.ts'
import { UNTRACED_CODES } from '../untraced.ts'

type Job = JobContext<'settleEpoch'>

/** Closes an epoch: settles the usage of each endpoint with the consumers' vouchers, waits until that is final, computes the reward map
 *  from the chain and the artifacts, and publishes its root. Only the indexer marks the epoch as published, when it sees the event. */
export const settleEpochHandler =
  (dependencies: ChainDependencies): JobHandler<'settleEpoch'> =>
  async (job) => {
    const { epoch } = job.input
    await waitUntilIndexed(job, Number(await job.chain.client.getBlockNumber())) // what is settled is read from the chain
    const ended = await outcomeOfPublished(job, epoch)
    if (ended) return ended
    await checkOrder(job, epoch)
    await adoptSettlements(job)
    const receipts = await claimReceipts(job, epoch)
    if (receipts.length === 0)
      throw new JobError(
        'NOTHING_TO_SETTLE',
        `No call was answered since the last epoch, so epoch ${epoch} has no fees to share.`,
      )
    job.report(0.1, 'settling usage')
    let last = 0
    for (const endpointId of [...new Set(receipts.map((one) => one.endpointId))].sort(
      (a, b) => Number(a) - Number(b),
    )) {
      const ofEndpoint = receipts.filter((one) => one.endpointId === endpointId)
      last = Math.max(last, await settleUsage(job, endpointId, ofEndpoint))
    }
    job.report(0.5, 'waiting for finality')
    await waitUntilFinal(job, last)
    const toBlock = await closingBlock(job.db, epoch)
    if (toBlock === undefined) throw new IndexBehindError(`Usage of epoch ${epoch} was mined but is not indexed yet.`)

    job.report(0.7, 'computing the reward map')
    const map = await computeEpoch(
      { sql: job.db, artifacts: job.artifacts, deployment: dependencies.deployment },
      epoch,
      toBlock,
    )
    const uri = await putDocument(storeAs(job, 'rewardMap'), rewardMapDocument, map)
    const published = await job.chain.transact(`publish:${epoch}:${uri}`, {
      contract: 'RewardDistributor',
      functionName: 'publish',
      args: publishArguments(map, uri),
    })
    job.report(0.9, 'waiting for the index')
    await waitUntilIndexed(job, Number(published.blockNumber))
    return {
      result: {
        epoch,
        root: map.root,
        total: map.total,
        uri,
        accounts: map.leaves.length,
        receipts: receipts.length,
        toBlock,
      },
      rows: linesOf(map),
    }
  }

const linesOf = ({ epoch, lines }: RewardMapDocument) =>
  lines.map((line, index) =>
    row(RewardLine, {
      id: `${epoch}-${String(index).padStart(7, '0')}`,
      mapId: String(epoch),
      account: line.account,
      role: line.role,
      source: `${line.source.kind}:${line.source.id}`,
      amount: BigInt(line.amount),
      inputs: { versionId: line.versionId ?? '', pot: line.pot, weight: line.weight, whole: line.whole },
    }),
  )

/** The outcome when the map is on chain and only its lines are missing here: an earlier attempt ended after it had published, or an older copy of
 *  the database was restored. */
async function outcomeOfPublished(job: Job, epoch: number): Promise<JobOutcome | undefined> {
  const map = await rowOf(job.db, RewardMap, String(epoch))
  if (map?.status !== 'Published' || !map.uri) return
  const { rowCount } = await job.db.query('select 1 from reward_line where map_id = $1 limit 1', [epoch])
  if (rowCount) return
  await adoptSettlements(job)
  const document = await getDocument(job.artifacts, rewardMapDocument, map.uri)
  const { root, total, leaves, toBlock } = document
  const receipts = await rowsOf(job.db, Receipt, 'epoch = $1', [epoch])
  return {
    result: { epoch, root, total, uri: map.uri, accounts: leaves.length, receipts: receipts.length, toBlock },
    rows: linesOf(document),
  }
}

/** Checks that `epoch` is the next one: epochs are settled in order, each once. */
async function checkOrder(job: Job, epoch: number) {
  const published = (await rowsOf(job.db, RewardMap, `status = 'Published'`)).map((one) => one.epoch)
  const next = Math.max(0, ...published) + 1
  if (epoch < next && job.attempt === 1)
    throw new JobError('ALREADY_SETTLED', `Epoch ${epoch} is published. The next one is ${next}.`)
  if (epoch > next) throw new JobError('NOT_YET', `Epochs are settled in order: the next one is ${next}.`)
}

/** The receipts of the epoch: the first attempt assigns all receipts that were answered before the job was requested; later attempts
 *  read the same ones. */
async function claimReceipts(job: Job, epoch: number): Promise<Receipt[]> {
  const [self] = await rowsOf(job.db, JobRun, 'id = $1', [job.id])
  const before = self?.createdAt ?? (await databaseTime(job.db))
  await waitUntilAttributed(job, before)
  await job.db.query(
    'update receipt set epoch = $1 where epoch is null and answered_at <= $2 and not exists (select 1 from receipt other where other.epoch = $1)',
    [epoch, before],
  )
  return rowsOf(job.db, Receipt, 'epoch = $1', [epoch], { orderBy: 'id' })
}

/** How long the job keeps its slot for attributions that run; after that it waits without one. */
const ATTRIBUTION_GRACE_MS = 10_000

/** Waits until every answer is attributed, or its attribution was cancelled or failed by its own fault (the answer then counts as unattributed,
 *  and its contributors' part goes to the others). An attribution that failed only because a service was away never moves their pay: the epoch
 *  stays open until it is tried again, or an operator gives it up. */
async function waitUntilAttributed(job: Job, before: Date) {
  const since = performance.now()
  for (;;) {
    const { rows } = await job.db.query<{ waiting: number; failed: string | null }>(
      `select count(*) as waiting, min(job.id) filter (where job.status = 'Failed') as failed
       from receipt left join job_run job on job.kind = 'attribute' and job.input->>'receiptId' = receipt.id
       where receipt.epoch is null and receipt.answered_at <= $1 and not exists (
         select 1 from job_run done where done.kind = 'attribute' and done.input->>'receiptId' = receipt.id
           and (done.status in ('Succeeded', 'Cancelled') or done.status = 'Failed' and not done.error->>'code' = any($2)))`,
      [before, UNTRACED_CODES],
    )
    const { waiting, failed } = rows[0] ?? { waiting: 0, failed: null }
    if (Number(waiting) === 0) return
    const stage = `waiting for the attribution of ${waiting} answers`
    job.report(0.05, stage)
    if (failed)
      throw new AttributionPendingError(
        `The attribution ${failed} failed, because a service was away. Try it again (mutation retryJob), or let the epoch close without it (modelcommons untraced give-up).`,
      )
    if (performance.now() - since > ATTRIBUTION_GRACE_MS) throw new PendingError(`${stage}.`)
    await sleep(100, undefined, { signal: job.signal })
  }
}

/** Redeems the vouchers for what the consumers of the endpoint used, with the receipts as evidence. Returns the block in which it was settled. */
async function settleUsage(job: Job, endpointId: string, receipts: Receipt[]): Promise<number> {
  const { epoch } = job.input
  const key = usageKey(epoch, endpointId)
  const settled = await rowOf(job.db, UsageSettlement, `${epoch}-${endpointId}`)
  if (settled && !(await job.chain.signedTransaction(key))) return settled.fromBlock // before an older copy of the database was restored
  const shares = await rowsOf(
    job.db,
    AnswerAttribution,
    'receipt_id = any($1) and share > 0',
    [receipts.map((one) => one.id)],
    {
      orderBy: 'receipt_id, contribution_id::numeric',
    },
  )
  const documents: UsageReceipt[] = receipts.map((one) => ({
    id: one.id,
    endpointId,
    versionId: one.versionId,
    consumer: one.consumer,
    promptHash: keccak256(stringToBytes(one.prompt)),
    answerHash: keccak256(stringToBytes(one.answer)),
    tokensIn: one.tokensIn,
    tokensOut: one.tokensOut,
    fee: one.fee.toString(),
    signature: one.signature,
    attribution: shares
      .filter((share) => share.receiptId === one.id)
      .map(({ contributionId, share }) => ({ contributionId, mass: share })),
  }))
  const root = await putDocument(storeAs(job, 'usage'), usageDocument, { epoch, endpointId, receipts: documents })
  const sum = (amounts: number[]) => BigInt(amounts.reduce((total, one) => total + one, 0))
  const fees = receipts.reduce((total, one) => total + one.fee, 0n)
  const { blockNumber } = await job.chain.transact(key, {
    contract: 'InferenceMarket',
    functionName: 'settleUsage',
    args: [
      BigInt(epoch),
      BigInt(endpointId),
      root as `0x${string}`,
      sum(receipts.map((one) => one.tokensIn)),
      sum(receipts.map((one) => one.tokensOut)),
      fees,
      await redemptions(job, endpointId, receipts),
    ],
  })
  return Number(blockNumber)
}

async function redemptions(job: Job, endpointId: string, receipts: Receipt[]) {
  const used = new Map<string, bigint>()
  for (const { consumer, fee } of receipts) used.set(consumer, (used.get(consumer) ?? 0n) + fee)
  const found = []
  for (const [consumer, amount] of [...used].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (amount === 0n) continue
    const [voucher] = await rowsOf(job.db, SignedVoucher, 'id = $1', [`${endpointId}-${consumer}`])
    if (!voucher)
      throw new JobError(
        'NO_VOUCHER',
        `${consumer} used endpoint ${endpointId} but has submitted no voucher for it. Submit one (mutation submitVoucher).`,
      )
    found.push({
      voucher: {
        consumer: consumer as `0x${string}`,
        endpointId: BigInt(endpointId),
        cumulative: voucher.cumulative,
        deadline: voucher.deadline,
      },
      amount,
      signature: voucher.signature as `0x${string}`,
    })
  }
  return found
}
