import { type ContractName, decodeLog, EventShapeError } from '#contracts/events.ts'
import { ChainEvent, FollowedContract } from '#schema/onchain/chain.ts'
import type { BlockRange } from '../chain/blockRange.ts'
import { IndexerError } from '../errors.ts'
import type { Governances } from '../governors/governances.ts'
import type { Log } from '../rpc/answers.ts'
import type { Rows } from '../store/rows.ts'
import type { EventContext, EventHandler } from './eventContext.ts'
import { addGovernors } from './governor.ts'
import { handlers } from './index.ts'
import { announcesQuorum, decodeOther } from './otherGovernors.ts'

/** A range of blocks as steps that write rows. */

/** An event that cannot be indexed: it has another shape than its kind, or does not fit the events before it. */
export class UnfitEvent extends IndexerError {
  override name = 'UnfitEvent'
  readonly address: string
  readonly block: number
  readonly logIndex: number
  constructor(
    readonly contract: ContractName,
    { address, block, index }: Log,
    message: string,
    options: ErrorOptions,
  ) {
    super(message, options)
    this.address = address
    this.block = block
    this.logIndex = index
  }
}

/** The followed contracts by lower-case address. */
export type ContractKinds = ReadonlyMap<string, ContractName>

/** An event's id: sorts as the chain does. */
const eventId = (block: number, index: number) => `${String(block).padStart(12, '0')}-${String(index).padStart(6, '0')}`

/** PostgreSQL stores no NUL in text or JSON: each becomes U+FFFD. Changes objects in place. */
function withoutNul(value: unknown): unknown {
  if (typeof value === 'string') return value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value
  if (Array.isArray(value)) return value.map(withoutNul)
  if (value === null || typeof value !== 'object') return value
  const record = value as Record<string, unknown>
  for (const key in record) {
    const inner = record[key]
    const clean = withoutNul(inner)
    if (clean !== inner) record[key] = clean
  }
  return record
}

/** Arguments as JSON: every integer a decimal string. */
function json(value: unknown): unknown {
  if (typeof value === 'bigint' || typeof value === 'number') return value.toString()
  if (Array.isArray(value)) return value.map(json)
  if (value === null || typeof value !== 'object') return value
  const record: Record<string, unknown> = {}
  for (const key in value) record[key] = json((value as Record<string, unknown>)[key])
  return record
}

/** A log as an event with its handler; undefined when the contract is not followed for it.
 *  @throws UnfitEvent when topics and data do not fit. */
function read(contract: ContractName, log: Log) {
  try {
    const other = decodeOther(contract, log)
    if (other) return other
    const decoded = decodeLog(contract, log)
    if (!decoded) return undefined
    const { name, args } = decoded
    return { name, args, handle: (handlers[contract] as Record<string, EventHandler<unknown> | null>)[name] }
  } catch (cause) {
    if (!(cause instanceof EventShapeError)) throw cause
    const what = `Log ${log.index} of block ${log.block} is not an event of a ${contract} (${cause.message})`
    throw new UnfitEvent(
      contract,
      log,
      `${what}, but ${log.address} is followed as one. Correct the deployment, or the configuration.`,
      { cause },
    )
  }
}

/** A Governor, its token and its timelock. */
const OF_GOVERNORS: ReadonlySet<ContractName> = new Set(['ModelGovernor', 'GOpen', 'TimelockController'])

/** Stores one log as a ChainEvent and runs its handler. The log is decoded only then, so that decoded events need not stay in memory. */
class LogStep {
  constructor(
    private readonly contract: ContractName,
    private readonly log: Log,
    private readonly timestamp: Date,
    private readonly announcesQuorum: boolean,
    private readonly governances: Governances,
    private readonly rows: Rows,
  ) {}

  get block() {
    return this.log.block
  }

  run() {
    const { contract, log, timestamp, announcesQuorum, governances, rows } = this
    const decoded = read(contract, log)
    if (!decoded) return
    const { name, handle } = decoded
    const args = withoutNul(decoded.args) as Record<string, unknown>
    const { block, blockHash, address, index: logIndex, transactionHash } = log
    const id = eventId(block, logIndex)
    rows.append(ChainEvent, {
      id,
      contract,
      name,
      args: json(args) as Record<string, unknown>,
      address,
      transactionHash,
      logIndex,
      timestamp,
    })
    const idPrefix = governances.idPrefixOf(address)
    const { data } = log
    const event: EventContext = {
      id,
      block,
      blockHash,
      timestamp,
      address,
      idPrefix,
      data,
      announcesQuorum,
      governances,
    }
    try {
      if (OF_GOVERNORS.has(contract)) addGovernors(rows, event)
      handle?.(rows, args, event)
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause
      throw new UnfitEvent(
        contract,
        log,
        `${contract}.${name} in block ${block} (log ${logIndex}) does not fit the events before it: ${cause.message}. Is the start block later than the deployment?`,
        { cause },
      )
    }
  }
}

/** The steps for a range's events, in order. */
export function eventSteps(
  range: BlockRange,
  followed: ContractKinds,
  governances: Governances,
  rows: Rows,
): LogStep[] {
  const times = new Map(range.headers.map((header) => [header.number, header.timestamp]))
  const steps: LogStep[] = []
  const placeOf = ({ block, address }: Log) => `${block} ${address}`
  const announced = new Set(range.logs.filter(announcesQuorum).map(placeOf))
  for (const log of range.logs) {
    const contract = followed.get(log.address)
    if (!contract) continue
    const timestamp = times.get(log.block)
    if (!timestamp) throw new Error(`Block ${log.block} has logs, but its header was not fetched`)
    const isAnnounced = announced.size > 0 && announced.has(placeOf(log))
    steps.push(new LogStep(contract, log, timestamp, isAnnounced, governances, rows))
  }
  return steps
}

/** The ids of the events that a range's logs become, by block. */
export function eventIds(logs: readonly Log[], followed: ContractKinds): Map<number, string[]> {
  const ids = new Map<number, string[]>()
  for (const log of logs) {
    const contract = followed.get(log.address)
    if (!contract || !becomesEvent(contract, log)) continue
    ids.set(log.block, [...(ids.get(log.block) ?? []), eventId(log.block, log.index)])
  }
  return ids
}

/** One that cannot be indexed counts, too: its contract is set aside when it is read again. */
function becomesEvent(contract: ContractName, log: Log): boolean {
  try {
    return read(contract, log) !== undefined
  } catch (error) {
    if (error instanceof UnfitEvent) return true
    throw error
  }
}

/** The steps that store the contracts which a range announced. */
export const childSteps = (range: BlockRange, rows: Rows) =>
  (range.children ?? []).map(({ address, follows, factory, since }) => ({
    block: since,
    run: () => rows.put(FollowedContract, { id: address, contract: follows, factory }),
  }))
