import type { Debt, EpochFacts } from '#rules/epochFacts.ts'
import type { RewardEntry } from '#rules/rewardEntry.ts'
import { Dispute } from '#schema/onchain/disputes.ts'
import { rowsOf } from '#schema/rows.ts'
import type { EpochBlocks, FactSources } from './epochSources.ts'
import { type ArtifactReader, publishedMap } from './previousMap.ts'

/** The debts that upheld disputes leave (rules 10 and 12): what earlier maps paid for a contribution or a judgement is owed to the treasury, from the
 *  epoch on in whose blocks the dispute was resolved. A map whose document is absent, or is not the map on the chain, names no payments. */
export async function newDebts(
  sources: FactSources,
  { epoch, fromBlock, toBlock }: EpochBlocks,
  read: ArtifactReader,
): Promise<EpochFacts['corrections']> {
  const upheld = await rowsOf(
    sources.sql,
    Dispute,
    `outcome = 'Upheld' and subject in ('Contribution', 'Judgement') and from_block between $1 and $2`,
    [fromBlock, toBlock],
    { block: toBlock, orderBy: 'id::numeric' },
  )
  if (upheld.length === 0) return []
  const paid = upheld.map(() => new Map<`0x${string}`, bigint>())
  for (let before = 1; before < epoch; before++)
    for (const line of (await publishedMap(sources, before, read))?.lines ?? [])
      for (const [at, dispute] of upheld.entries())
        if (isFor(line, dispute)) {
          const sums = paid[at] as Map<`0x${string}`, bigint>
          sums.set(line.account, (sums.get(line.account) ?? 0n) + line.amount)
        }
  return upheld.flatMap(({ id }, at) =>
    [...(paid[at] ?? [])].map(
      ([account, amount]): Debt => ({ account, amount, to: null, reason: `the upheld dispute ${id}` }),
    ),
  )
}

/** Whether an amount was paid for the subject of a dispute. A judgement's id is `task-validator`. */
function isFor({ source, account }: RewardEntry, { subject, subjectId }: Dispute): boolean {
  if (subject === 'Contribution') return source.kind === 'contribution' && source.id === subjectId
  return source.kind === 'task' && `${source.id}-${account}` === subjectId
}
