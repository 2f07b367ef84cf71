import type { Sql } from '#schema/database.ts'
import type { Source } from '../chain/source.ts'
import { type ContractKinds, eventIds } from '../handlers/steps.ts'
import { storedEvents } from '../store/cursor.ts'
import type { SetAside } from './setAside.ts'

/** Blocks asked about in one step, at most. */
const STEP = 256

/** The first block after `after`, up to `to`, of which the node now tells other logs than are stored: when the block was new, the node may have had only
 *  a part of them. Both are final. That it tells none says nothing: its index of logs may lag behind. */
export async function firstDiffering(
  {
    db,
    source,
    followed,
    setAside,
  }: { db: Sql; source: Pick<Source, 'logsOf'>; followed: ContractKinds; setAside: SetAside },
  after: number,
  to: number,
): Promise<number | undefined> {
  for (let from = after; from < to; from += STEP) {
    const stored = await storedEvents(db, from, Math.min(to, from + STEP))
    const now = eventIds(setAside.logsOf(await source.logsOf(stored)), followed)
    const differing = stored.find(({ number, events }) => now.has(number) && !sameIds(events, now.get(number) ?? []))
    if (differing) return differing.number
  }
  return undefined
}

const sameIds = (left: readonly string[], right: readonly string[]) =>
  left.length === right.length && new Set([...left, ...right]).size === left.length
