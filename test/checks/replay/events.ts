import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { toEventSelector } from 'viem'
import { topicsFor } from '#indexer/chain/children.ts'
import { type FollowedDeployment, resolveDeployment } from '#indexer/deployment.ts'

/** The events of a recording, read independently of the indexer. */

export interface RecordedEvent {
  block: number
  index: number
  /** The contract that emitted it, in lower case. */
  address: string
  name: string
  /** The argument with one of these names, as its declaration names it, or as text. */
  argument: ((...names: string[]) => string) & { has(name: string): boolean }
}

export interface RecordedEvents {
  /** What the deployment follows, in the order of the chain. */
  followed: RecordedEvent[]
  /** The numbers of all others, by event and contract. */
  passedOver: Map<string, number>
}

interface Description {
  chainId: number
  contracts: { address: string; events: Record<string, string> }[]
}

export const readDescription = async (folder: string) =>
  JSON.parse(await readFile(join(folder, 'replay.json'), 'utf8')) as Description

export async function readEvents(folder: string, deployment: FollowedDeployment): Promise<RecordedEvents> {
  const { contracts } = await readDescription(folder)
  const all: (RecordedEvent & { topic: string })[] = []
  for (const { address, events } of contracts)
    for (const [file, declaration] of Object.entries(events)) {
      const [, name = '', list = ''] = /event (\w+)\((.*)\)/s.exec(declaration) ?? []
      const names = list.split(',').map((one) => one.trim().split(/\s+/).at(-1) ?? '')
      const topic = toEventSelector(declaration)
      const [, ...rows] = cellsOf(await readFile(join(folder, file), 'utf8'))
      for (const [block, , index, ...values] of rows)
        all.push({
          block: Number(block),
          index: Number(index),
          address: address.toLowerCase(),
          name,
          topic,
          argument: Object.assign(
            (...wanted: string[]) => {
              const value = values[names.findIndex((one) => wanted.includes(one))]
              if (value === undefined) throw new Error(`${file}: ${name} has no argument ${wanted.join(' or ')}`)
              return value
            },
            { has: (one: string) => names.includes(one) },
          ),
        })
    }
  all.sort((a, b) => a.block - b.block || a.index - b.index)
  const { followed } = resolveDeployment(deployment)
  const kinds = new Map(
    [...followed].map(([address, kind]) => [address, { topics: new Set<string>(topicsFor(kind)), since: 0 }]),
  )
  const found: RecordedEvents = { followed: [], passedOver: new Map() }
  for (const event of all) {
    const { name, address, block } = event
    const kind = kinds.get(address)
    if (!kind?.topics.has(event.topic) || block < kind.since) {
      const what = `${name} of ${address}`
      found.passedOver.set(what, (found.passedOver.get(what) ?? 0) + 1)
      continue
    }
    found.followed.push(event)
    const next = name === 'TimelockChange' ? event.argument('newTimelock').toLowerCase() : undefined
    if (next && !kinds.has(next)) kinds.set(next, { topics: new Set(topicsFor('TimelockController')), since: block })
  }
  return found
}

/** Parses CSV with one regular expression, which matches a cell and its separator. */
function cellsOf(text: string): string[][] {
  let row: string[] = []
  const rows = [row]
  for (const [, quoted, plain = '', end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    if (end === '' && plain === '' && quoted === undefined && row.length === 0) break
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
    if (end === '') break
    if (end !== ',') {
      row = []
      rows.push(row)
    }
  }
  return rows.filter((row) => row.length > 1)
}

/** The values to compare, by name, as text. */
export type ReplayFigures = Map<string, string>

export const addFigure = (figures: ReplayFigures, name: string, amount: bigint | number | string) =>
  figures.set(name, String(BigInt(figures.get(name) ?? 0) + BigInt(amount)))

export const ZERO = `0x${'0'.repeat(40)}`

/** Who holds, votes and delegates in which token after some events. */
export class RecordedHolders {
  private readonly figures: ReplayFigures = new Map()

  take({ address, name, argument }: RecordedEvent) {
    if (name === 'Transfer')
      for (const [end, sign] of [
        ['from', '-'],
        ['to', ''],
      ] as const) {
        const account = argument(end).toLowerCase()
        if (account !== ZERO)
          addFigure(this.figures, `balance of ${account} in ${address}`, `${sign}${recordedAmount(argument)}`)
      }
    if (name === 'DelegateChanged')
      this.figures.set(
        `delegate of ${argument('delegator').toLowerCase()} in ${address}`,
        argument('toDelegate').toLowerCase(),
      )
    if (name === 'DelegateVotesChanged') {
      const votes = argument('newVotes', 'newBalance')
      this.figures.set(`votes of ${argument('delegate').toLowerCase()} in ${address}`, BigInt(votes).toString())
    }
  }

  /** Without what is nothing: no balance, no votes, no delegate. */
  get present(): ReplayFigures {
    return new Map([...this.figures].filter(([, value]) => value !== '0' && value !== ZERO))
  }
}

/** Each token of an ERC-721 contract counts one. */
export const recordedAmount = (argument: RecordedEvent['argument']) =>
  argument.has('tokenId') ? '1' : argument('value', 'amount', 'wad')

/** GovernorAlpha writes true and false. */
export const supportOf = (argument: RecordedEvent['argument']) =>
  ({ false: 0, true: 1 })[argument('support').toLowerCase()] ?? Number(argument('support'))
