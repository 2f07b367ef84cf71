import { setTimeout } from 'node:timers/promises'
import { ago } from '#client/ago.ts'
import type { Client } from '#client/index.ts'

/** The time of the chain, which may be far from that of this machine: what a command prints says how far each moment is from it. */

const MOMENT = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g

/** Says of each moment in a text how long ago it is, or how long until: `2026-11-01T12:00:00.000Z, in 42 s`. `now`: in milliseconds; without it the text stays
 *  as it is. */
export const withDistances = (text: string, now: number | undefined): string =>
  now === undefined ? text : text.replace(MOMENT, (moment) => `${moment}, ${ago(moment, now)}`)

/** For how long a result waits for the distances of its moments. */
const PATIENCE_MS = 2_000

/** The time of the newest block, in milliseconds; undefined while no node tells it. */
export async function chainTime({ node }: Pick<Client, 'node'>): Promise<number | undefined> {
  const patience = new AbortController()
  const asked = node.getBlock().then(
    ({ timestamp }) => Number(timestamp) * 1000,
    () => undefined,
  )
  const waited = setTimeout(PATIENCE_MS, undefined, { signal: patience.signal, ref: false }).catch(() => undefined)
  try {
    return await Promise.race([asked, waited])
  } finally {
    patience.abort()
  }
}
