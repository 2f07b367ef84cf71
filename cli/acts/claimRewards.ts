import { type Client, claim, inGOpen, nextFinalMap } from '#client/index.ts'
import type { ActOptions } from './runAct.ts'

/** Pays out what the account has earned; where there is nothing, tells when there may be more. */
export async function claimRewards(client: Client, { json }: ActOptions): Promise<object | string> {
  const wei = await claim(client)
  if (client.plan?.length || (wei > 0n && json)) return { wei }
  if (wei > 0n) return `${inGOpen(wei)} are paid out (wei ${wei}).`
  const next = await nextFinalMap(client)
  if (json) return { wei, next: next ?? null }
  return `There is nothing to claim. ${
    next
      ? `The reward map of epoch ${next.epoch} is final at ${next.finalAt.toISOString()}, unless it is disputed.`
      : 'No newer reward map is published yet.'
  }`
}
