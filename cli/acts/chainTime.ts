import { ago } from '#client/ago.ts'
import type { Client } from '#client/index.ts'

/** The time of the chain, which may be far from that of this machine: what a command prints says how far each moment is from it. */

const MOMENT = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g

/** Says of each moment in a text how long ago it is, or how long until: `2026-11-01T12:00:00.000Z, in 42 s`. `now`: in milliseconds. */
export const withDistances = (text: string, now: number): string =>
  text.replace(MOMENT, (moment) => `${moment}, ${ago(moment, now)}`)

/** The time of the newest block, in milliseconds. */
export const chainTime = async ({ node }: Client): Promise<number> => Number((await node.getBlock()).timestamp) * 1000
