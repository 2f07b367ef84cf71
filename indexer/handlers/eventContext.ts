import type { ContractName, DecodedEvent } from '#contracts/events.ts'
import type { Governances } from '../governors/governances.ts'
import type { Rows } from '../store/rows.ts'

/** Where and when an event was emitted. */
export interface EventContext {
  /** `block-logIndex`, zero-padded: sorts as the chain does. */
  id: string
  block: number
  blockHash: string
  timestamp: Date
  /** The contract that emitted it. */
  address: `0x${string}`
  /** What the ids of the contract's rows begin with, where another contract of its kind may use the same ids. */
  idPrefix: string
  /** The data of the log. */
  data: `0x${string}`
  /** Whether the contract announces in this block that proposals need something else: before this event, or after it. */
  announcesQuorum: boolean
  governances: Governances
}

/** Turns one event into rows. Synchronous, with no effect except on `rows`; it may run more than once before its writes count. */
export type EventHandler<Args> = (rows: Rows, args: Args, event: EventContext) => void

/** A handler for every event that a contract can emit; null where storing the event itself is enough.
 *  An event without an entry does not compile. */
export type EventHandlers<C extends ContractName> = {
  [N in DecodedEvent<C>['name']]: EventHandler<Extract<DecodedEvent<C>, { name: N }>['args']> | null
}

const MAX_INT32 = 2_147_483_647
const MAX_DATE = Date.UTC(9999, 11, 31, 23, 59, 59)

/** A uint256 as a 32-bit integer column, saturating: anyone may emit larger values (an epoch of 2^200). Ids keep the exact value. */
export const int32 = (value: bigint | number) => Number(value > MAX_INT32 ? MAX_INT32 : value)

const MAX_UINT256 = 2n ** 256n - 1n

/** A sum that a contract may hold; less than 0 where the contract was not followed from its first block on.
 *  @throws RangeError on a sum beyond what 256 bits hold. */
export function uint256(sum: bigint): bigint {
  if (sum > MAX_UINT256 || sum < -MAX_UINT256) throw new RangeError('a sum has more than 256 bits')
  return sum
}

/** A uint256 as a block number or clock value, saturating at 2^53 − 1. */
export const safeInteger = (value: bigint | number) =>
  Number(value > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : value)

/** Unix seconds as a date, saturating at the end of the year 9999. */
export const dateOf = (seconds: bigint | number) => {
  const milliseconds = BigInt(seconds) * 1000n
  return new Date(milliseconds > BigInt(MAX_DATE) ? MAX_DATE : Number(milliseconds))
}

export const unixSeconds = (date: Date) => BigInt(Math.floor(date.getTime() / 1000))
