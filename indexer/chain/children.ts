import { type AbiEvent, decodeEventLog, type Hex, parseAbiItem, toEventSelector, zeroAddress } from 'viem'
import { type ContractName, topicsOf } from '#contracts/events.ts'
import type { Sql } from '#schema/database.ts'
import { IndexerError } from '../errors.ts'
import { otherTopics } from '../handlers/otherGovernors.ts'
import type { Log } from '../rpc/answers.ts'
import type { Child } from './blockRange.ts'

/** Contracts that become known at run time: a factory's event names them, or a Governor's its next timelock, and they are followed from its
 *  block on. */

/** What a new contract can be followed as: a votes token or a timelock. A Governor does not emit all of its settings, and the
 *  row ids of the other contracts would collide. */
export const CHILD_KINDS = ['GOpen', 'TimelockController'] as const satisfies readonly ContractName[]

/** A contract whose event announces others. */
export interface ContractFactory {
  address: string
  /** Its declaration, as in Solidity: `event Created(address indexed token)`. */
  event: string
  /** The argument that holds the address. */
  argument: string
  /** What the new contract is followed as. */
  follows: (typeof CHILD_KINDS)[number]
}

interface Announcement {
  factory: ContractFactory
  /** Whether the declaration is a setting, so that an event which does not fit it ends the indexer. */
  isDeclared: boolean
  event: AbiEvent
  topic: Hex
}

/** The first topics of the events for which a contract of this kind is followed. */
export const topicsFor = (contract: ContractName) => [...topicsOf(contract), ...otherTopics(contract)]

/** Reads a factory's declaration. @throws IndexerError that says what is wrong with it. */
export function announcementOf(factory: ContractFactory, isDeclared = true): Announcement {
  const wrong = (what: string, cause?: unknown) =>
    new IndexerError(`The factory ${factory.address}: ${what}. Correct its declaration.`, { cause })
  let event: AbiEvent
  try {
    event = parseAbiItem(factory.event) as AbiEvent
  } catch (cause) {
    throw wrong(`${factory.event} is not an event declaration`, cause)
  }
  const argument = event.inputs?.find(({ name }) => name === factory.argument)
  if (event.type !== 'event' || argument?.type !== 'address')
    throw wrong(`${factory.event} has no address named ${factory.argument}`)
  if (!CHILD_KINDS.includes(factory.follows))
    throw wrong(`its contracts cannot be followed as a ${factory.follows}, only as ${CHILD_KINDS.join(' or ')}`)
  const address = factory.address.toLowerCase()
  return { factory: { ...factory, address }, isDeclared, event, topic: toEventSelector(event) }
}

/** A Governor announces its next timelock as a factory announces a contract. */
const timelocksOf = (governor: string): ContractFactory => ({
  address: governor,
  event: 'event TimelockChange(address oldTimelock, address newTimelock)',
  argument: 'newTimelock',
  follows: 'TimelockController',
})

export class Children {
  private readonly announcements: readonly Announcement[]
  private list: Child[] = []
  /** Every followed contract by address: those of the deployment, and the children. */
  readonly followed: Map<string, ContractName>
  /** What must be requested besides the deployment's own topics. */
  readonly topics: readonly string[]
  /** The addresses of the factories, in lower case. Governors, which are followed themselves, are none of them. */
  readonly factories: readonly string[]

  constructor(
    private readonly deployed: ReadonlyMap<string, ContractName> = new Map(),
    factories: readonly ContractFactory[] = [],
    governors: readonly string[] = [],
  ) {
    this.followed = new Map(deployed)
    this.announcements = [
      ...factories.map((factory) => announcementOf(factory)),
      ...governors.map((governor) => announcementOf(timelocksOf(governor), false)),
    ]
    this.factories = [...new Set(factories.map(({ address }) => address.toLowerCase()))]
    const kinds = new Set(this.announcements.map(({ factory }) => factory.follows))
    this.topics = [...new Set([...this.announcements.map(({ topic }) => topic), ...[...kinds].flatMap(topicsFor)])]
  }

  get count() {
    return this.list.length
  }

  /** The children after the first `known`, in the order of their announcement. */
  after(known: number): readonly Child[] {
    return this.list.slice(known)
  }

  get addresses(): string[] {
    return this.list.map(({ address }) => address)
  }

  /** Adds the children that some logs announce. @returns those that are new. */
  addAnnounced(logs: readonly Log[]): Child[] {
    if (!this.announcements.length) return []
    const found: Child[] = []
    for (const log of logs)
      for (const announcement of this.announcements) {
        const { factory, topic } = announcement
        if (log.topics[0] !== topic || log.address !== factory.address) continue
        const address = addressIn(log, announcement)
        if (address === undefined || address === zeroAddress || this.followed.has(address)) continue
        const child = { address, follows: factory.follows, factory: factory.address, since: log.block }
        this.followed.set(address, factory.follows)
        found.push(child)
      }
    this.list.push(...found)
    return found
  }

  /** Returns to the children that the database holds: after a rollback, or when announced ones were not stored. */
  async restore(sql: Sql): Promise<void> {
    if (!this.announcements.length) return
    const { rows } = await sql.query(
      'select id, contract, factory, from_block from followed_contract where to_block is null order by from_block, id',
    )
    this.list = rows.map((row) => ({
      address: row.id,
      follows: row.contract,
      factory: row.factory,
      since: row.from_block,
    }))
    this.followed.clear()
    for (const [address, contract] of this.deployed) this.followed.set(address, contract)
    for (const { address, follows } of this.list) this.followed.set(address, follows)
  }
}

/** Undefined where a Governor's own event does not fit, which sets it aside. @throws IndexerError where the declaration of a factory does not. */
function addressIn(log: Log, { event, factory, isDeclared }: Announcement): string | undefined {
  try {
    const { args } = decodeEventLog({ abi: [event], topics: log.topics as [Hex], data: log.data })
    const { [factory.argument]: address } = args as unknown as Record<string, string>
    if (address === undefined) throw new Error(`it has no ${factory.argument}`)
    return address.toLowerCase()
  } catch (cause) {
    if (!isDeclared) return undefined
    throw new IndexerError(
      `Log ${log.index} of block ${log.block} does not fit the declaration ${factory.event}. Correct the declaration of the factory ${factory.address}.`,
      { cause },
    )
  }
}
