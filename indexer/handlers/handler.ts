import type { ContractName, DecodedEvent } from '#contracts/events.ts'
import type { Governances } from '../governors/governances.ts'
import type { Rows } from '../store/rows.ts'

/** Where and when an event was emitted. */
export interface Moment {
  block: number
  timestamp: Date
  /** The event's id, `block-logIndex` zero-padded: sorts as the chain does. */
  position: string
  /** The contract that spoke. */
  address: `0x${string}`
  /** What the ids of its rows begin with, where another contract of its kind may use the same. */
  scope: string
  governances: Governances
}

/** Turns one event into rows. Synchronous and pure but for `rows`; it may be run more than once before its writes count. */
export type Handler<Args> = (rows: Rows, args: Args, at: Moment) => void

/** A handler for every event a contract can emit; null where the event itself is all there is to store.
 *  An event without an entry does not compile. */
export type Handlers<C extends ContractName> = {
  [N in DecodedEvent<C>['name']]: Handler<Extract<DecodedEvent<C>, { name: N }>['args']> | null
}

const MOST_INTEGER = 2_147_483_647
const LAST_MOMENT = Date.UTC(9999, 11, 31, 23, 59, 59)

/** A uint256 as a 32-bit integer column. Anyone may emit larger ones (an epoch of 2^200): they saturate, their ids stay exact. */
export const integer = (value: bigint | number) => Number(value > MOST_INTEGER ? MOST_INTEGER : value)

/** A uint256 as a block number or clock value, saturating at 2^53 − 1. */
export const height = (value: bigint | number) =>
  Number(value > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : value)

/** Unix seconds as a moment, saturating at the end of the year 9999. */
export const moment = (seconds: bigint | number) => {
  const milliseconds = BigInt(seconds) * 1000n
  return new Date(milliseconds > BigInt(LAST_MOMENT) ? LAST_MOMENT : Number(milliseconds))
}

/** Unix seconds of a moment. */
export const seconds = (time: Date) => BigInt(Math.floor(time.getTime() / 1000))
