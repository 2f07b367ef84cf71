import { type AbiEvent, decodeEventLog, type Hex, parseAbiItem, toEventSelector } from 'viem'
import { type ContractName, topicsOf } from '#contracts/events.ts'
import type { Sql } from '#schema/database.ts'
import { FollowedContract } from '#schema/onchain/chain.ts'
import { IndexerError } from '../errors.ts'
import { otherTopics } from '../handlers/otherGovernors.ts'
import type { Rows } from '../store/rows.ts'
import type { Log, Stretch } from './stretch.ts'

/** Contracts that others make at run time: a factory's event names them, and they are followed from its block on. */

/** What a new contract may be followed as: a votes token or a timelock. Of a Governor more must be known than it emits, and of the
 *  house's other contracts the ids would repeat. */
export const FOLLOWS = ['GOpen', 'TimelockController'] as const satisfies readonly ContractName[]

/** A contract whose event announces others. */
export interface Factory {
  address: string
  /** Its declaration, as in Solidity: `event Created(address indexed token)`. */
  event: string
  /** The argument that holds the address. */
  argument: string
  /** What the new contract is followed as. */
  follows: (typeof FOLLOWS)[number]
}

/** A contract that a factory announced. */
export interface Child {
  address: string
  follows: ContractName
  factory: string
  /** The block of the announcement: what the contract says in that block counts, be it before the announcement itself. */
  since: number
}

interface Announcement {
  factory: Factory
  event: AbiEvent
  topic: Hex
}

/** The topics that a contract of this kind is followed for. */
export const topicsFor = (contract: ContractName) => [...topicsOf(contract), ...otherTopics(contract)]

/** Reads a factory's declaration. @throws IndexerError saying what is wrong in it. */
export function announcementOf(factory: Factory): Announcement {
  const told = (what: string, cause?: unknown) =>
    new IndexerError(`The factory ${factory.address}: ${what}. Correct its declaration.`, { cause })
  let event: AbiEvent
  try {
    event = parseAbiItem(factory.event) as AbiEvent
  } catch (cause) {
    throw told(`${factory.event} is no event declaration`, cause)
  }
  const argument = event.inputs?.find(({ name }) => name === factory.argument)
  if (event.type !== 'event' || argument?.type !== 'address')
    throw told(`${factory.event} has no address named ${factory.argument}`)
  if (!FOLLOWS.includes(factory.follows))
    throw told(`what it makes cannot be followed as a ${factory.follows}, only as ${FOLLOWS.join(' or ')}`)
  return { factory: { ...factory, address: factory.address.toLowerCase() }, event, topic: toEventSelector(event) }
}

export class Children {
  private readonly announcements: readonly Announcement[]
  private list: Child[] = []
  /** Every followed contract by address: those of the deployment, and the children. */
  readonly followed: Map<string, ContractName>
  /** What must be asked for besides the deployment's own topics. */
  readonly topics: readonly string[]
  /** The addresses of the factories, in lower case. */
  readonly factories: readonly string[]

  constructor(
    private readonly own: ReadonlyMap<string, ContractName> = new Map(),
    factories: readonly Factory[] = [],
  ) {
    this.followed = new Map(own)
    this.announcements = factories.map(announcementOf)
    this.factories = [...new Set(this.announcements.map(({ factory }) => factory.address))]
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

  /** Learns which children some logs announce. @returns those that are new. */
  notice(logs: readonly Log[]): Child[] {
    if (!this.announcements.length) return []
    const found: Child[] = []
    for (const log of logs)
      for (const { factory, event, topic } of this.announcements) {
        if (log.topics[0] !== topic || log.address !== factory.address) continue
        const address = addressIn(log, event, factory)
        if (this.followed.has(address)) continue
        const child = { address, follows: factory.follows, factory: factory.address, since: log.block }
        this.followed.set(address, factory.follows)
        found.push(child)
      }
    this.list.push(...found)
    return found
  }

  /** Forgets everything that the database does not hold: after a rollback, or when what was noticed was not stored. */
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
    for (const [address, contract] of this.own) this.followed.set(address, contract)
    for (const { address, follows } of this.list) this.followed.set(address, follows)
  }
}

function addressIn(log: Log, event: AbiEvent, factory: Factory): string {
  try {
    const { args } = decodeEventLog({ abi: [event], topics: log.topics as [Hex], data: log.data })
    return (args as unknown as Record<string, string>)[factory.argument]!.toLowerCase()
  } catch (cause) {
    throw new IndexerError(
      `Log ${log.index} of block ${log.block} is not what ${factory.event} declares. Correct the declaration of the factory ${factory.address}.`,
      { cause },
    )
  }
}

/** The work of writing down the children that a stretch announced. */
export const childSteps = (stretch: Stretch, rows: Rows) =>
  (stretch.children ?? []).map(({ address, follows, factory, since }) => ({
    block: since,
    run: () => rows.put(FollowedContract, { id: address, contract: follows, factory }),
  }))
