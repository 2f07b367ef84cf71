import type { FactSources } from '#epochs/epochSources.ts'
import { listParts } from '#epochs/mapPages.ts'
import { readerOf } from '#epochs/readArtifacts.ts'
import { getDocument } from '#schema/documents.ts'
import { addEarnings } from '#schema/earnings.ts'
import { RewardLine } from '#schema/offchain/ledger.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { type MapEntry, rewardMapDocument } from '#schema/rewardMapDocument.ts'
import { row, rowOf, saveRows } from '#schema/rows.ts'
import type { JobContext, JobOutcome } from '../job.ts'
import { assignReceipts } from './epochReceipts.ts'

type Job = JobContext<'settleEpoch'>
type Deployment = Pick<FactSources['deployment'], 'pageEntries'>

/** The outcome when the map is on chain and only its lines are missing here: an earlier attempt ended after it had published, or an older copy of
 *  the database was restored. */
export async function outcomeOfPublished(
  job: Job,
  deployment: Deployment,
  epoch: number,
): Promise<JobOutcome | undefined> {
  const map = await rowOf(job.db, RewardMap, String(epoch))
  if (map?.status !== 'Published' || !map.uri) return
  const { rowCount } = await job.db.query('select 1 from reward_line where map_id = $1 limit 1', [epoch])
  if (rowCount) return
  await assignReceipts(job.db, epoch)
  return outcomeOf(job, deployment, map.uri)
}

/** The outcome of a job whose map, stored as `uri`, is published: its lines replace those of a map that was cancelled. They are stored page by page, in one
 *  transaction: all of them may be more than one statement can have, and more than fit into memory. */
export async function outcomeOf(
  { db, artifacts, alive }: Job,
  { pageEntries }: Deployment,
  uri: string,
): Promise<JobOutcome> {
  const map = await getDocument(artifacts, rewardMapDocument, uri)
  const { epoch, root, total, toBlock } = map
  const { rows } = await db.query<{ receipts: number }>(
    'select count(*)::int as receipts from receipt where epoch = $1',
    [epoch],
  )
  const partsIn = <L extends 'leaves' | 'lines'>(list: L) => listParts<L>(map, list, readerOf(artifacts), pageEntries)
  let accounts = 0
  for await (const part of partsIn('leaves')) accounts += part.length
  return {
    result: { epoch, root, total, uri, accounts, receipts: rows[0]?.receipts ?? 0, toBlock },
    async afterRows(sql) {
      await sql.query('delete from reward_line where map_id = $1', [epoch])
      let index = 0
      for await (const part of partsIn('lines')) {
        await saveRows(
          sql,
          part.map((line) => lineRow(epoch, index++, line)),
        )
        alive()
      }
      await addEarnings(sql, epoch)
    },
  }
}

const lineRow = (epoch: number, index: number, line: MapEntry<'lines'>) =>
  row(RewardLine, {
    id: `${epoch}-${String(index).padStart(7, '0')}`,
    mapId: String(epoch),
    account: line.account,
    role: line.role,
    source: `${line.source.kind}:${line.source.id}`,
    amount: BigInt(line.amount),
    inputs: { versionId: line.versionId ?? '', pot: line.pot, weight: line.weight, whole: line.whole },
  })
