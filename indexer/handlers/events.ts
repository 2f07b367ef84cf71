import { type ContractName, decodeLog, EventShapeError } from '#contracts/events.ts'
import { ChainEvent } from '#schema/onchain/chain.ts'
import type { Log, Stretch } from '../chain/stretch.ts'
import { IndexerError } from '../errors.ts'
import type { Governances } from '../governors/governances.ts'
import type { Rows } from '../store/rows.ts'
import { introduce } from './governor.ts'
import type { Handler, Moment } from './handler.ts'
import { handlers } from './index.ts'
import { decodeOther } from './otherGovernors.ts'

/** The followed contracts by lower-case address. */
export type Followed = ReadonlyMap<string, ContractName>

/** An event's id: sorts as the chain does. */
export const positionOf = (block: number, index: number) =>
  `${String(block).padStart(12, '0')}-${String(index).padStart(6, '0')}`

/** PostgreSQL stores no NUL in text or JSON; whoever writes one on chain reads it back as U+FFFD. Changes objects in place. */
function clean(value: unknown): unknown {
  if (typeof value === 'string') return value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value
  if (Array.isArray(value)) return value.map(clean)
  if (value === null || typeof value !== 'object') return value
  const record = value as Record<string, unknown>
  for (const key in record) record[key] = clean(record[key])
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

function decode(contract: ContractName, log: Log) {
  try {
    return decodeLog(contract, log)
  } catch (cause) {
    if (!(cause instanceof EventShapeError)) throw cause
    throw new IndexerError(
      `Log ${log.index} of block ${log.block} is not what a ${contract} emits (${cause.message}). ${log.address} was named as one: correct the deployment, or the configuration.`,
      { cause },
    )
  }
}

/** A log as an event and what to do with it; undefined when it is none that the contract is followed for. */
function read(contract: ContractName, log: Log) {
  const other = decodeOther(contract, log)
  if (other) return other
  const event = decode(contract, log)
  if (!event) return undefined
  const { name, args } = event
  return { name, args, handle: (handlers[contract] as Record<string, Handler<unknown> | null>)[name] }
}

/** What one log asks for: it becomes a ChainEvent and what its handler makes of it. It is read when its turn comes, so that what it
 *  becomes need not be held for long. */
class LogStep {
  constructor(
    private readonly contract: ContractName,
    private readonly log: Log,
    private readonly timestamp: Date,
    private readonly governances: Governances,
    private readonly rows: Rows,
  ) {}

  get block() {
    return this.log.block
  }

  run() {
    const { contract, log, timestamp, governances, rows } = this
    const event = read(contract, log)
    if (!event) return
    const args = clean(event.args) as Record<string, unknown>
    const { block, address, index: logIndex, transactionHash } = log
    const position = positionOf(block, logIndex)
    rows.append(ChainEvent, {
      id: position,
      contract,
      name: event.name,
      args: json(args) as Record<string, unknown>,
      address,
      transactionHash,
      logIndex,
      timestamp,
    })
    const at: Moment = { block, timestamp, position, address, scope: governances.scopeOf(address), governances }
    try {
      if (contract === 'ModelGovernor') introduce(rows, at)
      event.handle?.(rows, args, at)
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause
      throw new IndexerError(
        `${contract}.${event.name} in block ${block} (log ${logIndex}) does not fit what came before: ${cause.message}. Was the start block later than the deployment?`,
        { cause },
      )
    }
  }
}

/** The work that a stretch's logs ask for, in order. */
export function stepsOf(stretch: Stretch, followed: Followed, governances: Governances, rows: Rows): LogStep[] {
  const times = new Map(stretch.headers.map((header) => [header.number, header.timestamp]))
  const steps: LogStep[] = []
  for (const log of stretch.logs) {
    const contract = followed.get(log.address)
    if (contract) steps.push(new LogStep(contract, log, times.get(log.block)!, governances, rows))
  }
  return steps
}
