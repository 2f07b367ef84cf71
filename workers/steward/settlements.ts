import type { Sql } from '#schema/database.ts'
import { dueSettlements, type SettlementPolicy } from '../settlement/policy.ts'
import type { IdentifiedStep } from './plan.ts'

type NextSettlement = Omit<IdentifiedStep, 'kind' | 'input'>

/** When fees are redeemed and the next epoch is published: `settlement/policy.ts` starts these jobs, for all models together. */
export async function nextSettlements(policy: Omit<SettlementPolicy, 'queues'>): Promise<NextSettlement[]> {
  const due = (await dueSettlements(policy)).map(({ kind }) => kind)
  const seconds = Math.round(policy.redeemAfterMs / 1000)
  const redeem: NextSettlement = {
    ...{ id: 'redeem', occasion: 'redeem', name: 'redeem' },
    reason: `Fees are redeemed when the oldest is ${seconds} s old, or when a withdrawal would take their credit.`,
    waitsFor: due.includes('redeem') ? 'its job' : 'such fees',
  }
  return [redeem, await nextEpoch(policy.db, due.includes('settleEpoch'))]
}

async function nextEpoch(sql: Sql, isDue: boolean): Promise<NextSettlement> {
  const { rows } = await sql.query<{ epoch: number; last: string | null; final: string }>(
    `select map.epoch, map.last_block as last, cursor.final_block as final from reward_map map, cursor
     where map.to_block is null and map.status <> 'Published' order by map.epoch limit 1`,
  )
  const [open] = rows
  const step = { occasion: 'publish', name: 'publish' } as const
  if (!open) return { ...step, id: 'publish', reason: 'No epoch has fees.', waitsFor: 'redeemed fees' }
  const { epoch, last, final } = open
  return {
    ...{
      ...step,
      id: `publish/${epoch}`,
      reason: `Epoch ${epoch} has fees, and is published when its last block is final.`,
    },
    waitsFor: isDue ? 'its job' : `block ${last} to be final: the last final one is ${final}`,
  }
}
