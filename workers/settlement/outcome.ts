import { getDocument, type RewardMapDocument, rewardMapDocument } from '#schema/documents.ts'
import { RewardLine } from '#schema/offchain/ledger.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { row, rowOf } from '#schema/rows.ts'
import type { JobContext, JobOutcome } from '../job.ts'
import { assignReceipts } from './epochReceipts.ts'

type Job = JobContext<'settleEpoch'>

/** The outcome when the map is on chain and only its lines are missing here: an earlier attempt ended after it had published, or an older copy of
 *  the database was restored. */
export async function outcomeOfPublished({ db, artifacts }: Job, epoch: number): Promise<JobOutcome | undefined> {
  const map = await rowOf(db, RewardMap, String(epoch))
  if (map?.status !== 'Published' || !map.uri) return
  const { rowCount } = await db.query('select 1 from reward_line where map_id = $1 limit 1', [epoch])
  if (rowCount) return
  await assignReceipts(db, epoch)
  return outcomeOf(db, await getDocument(artifacts, rewardMapDocument, map.uri), map.uri)
}

/** The outcome of a job whose map, stored as `uri`, is published: its lines replace those of a map that was cancelled. */
export async function outcomeOf(db: Job['db'], map: RewardMapDocument, uri: string): Promise<JobOutcome> {
  const { epoch, root, total, leaves, toBlock } = map
  const { rows } = await db.query<{ receipts: number }>(
    'select count(*)::int as receipts from receipt where epoch = $1',
    [epoch],
  )
  return {
    result: { epoch, root, total, uri, accounts: leaves.length, receipts: rows[0]?.receipts ?? 0, toBlock },
    rows: map.lines.map((line, index) =>
      row(RewardLine, {
        id: lineId(epoch, index),
        mapId: String(epoch),
        account: line.account,
        role: line.role,
        source: `${line.source.kind}:${line.source.id}`,
        amount: BigInt(line.amount),
        inputs: { versionId: line.versionId ?? '', pot: line.pot, weight: line.weight, whole: line.whole },
      }),
    ),
    async afterRows(sql) {
      await sql.query('delete from reward_line where map_id = $1 and id >= $2', [
        epoch,
        lineId(epoch, map.lines.length),
      ])
    },
  }
}

const lineId = (epoch: number, index: number) => `${epoch}-${String(index).padStart(7, '0')}`
