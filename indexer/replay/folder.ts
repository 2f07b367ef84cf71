import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type AbiEvent,
  type AbiParameter,
  encodeAbiParameters,
  encodeEventTopics,
  type Hex,
  parseAbiItem,
  toEventSelector,
} from 'viem'
import { z } from 'zod'
import { valueOfCell } from './cells.ts'
import { type CsvTable, parseCsv } from './csv.ts'

/** A folder of real events as CSV, with a `replay.json` that says which contract and event each file holds. */

const Description = z.object({
  chainId: z.number().int().positive(),
  contracts: z.array(
    z.object({ address: z.string().regex(/^0x[0-9a-fA-F]{40}$/), events: z.record(z.string(), z.string()) }),
  ),
})

/** Of a transaction in its block, and of a log: more than any chain has. */
const MAX_INDEX = 2 ** 24 - 1

/** One event, with its position on its own chain. */
export interface Recorded {
  block: number
  transaction: number
  index: number
  address: string
  topics: Hex[]
  data: Hex
}

export interface Recording {
  chainId: number
  addresses: string[]
  /** In the order of the chain. */
  events: Recorded[]
}

/** Reads a folder. @throws Error that names what cannot be used: of a CSV file, its row (the names of the columns are row 1) and its column. */
export async function readRecording(folder: string): Promise<Recording> {
  const { chainId, contracts } = await readDescription(folder)
  const rows: PlacedEvent[] = []
  for (const { address, events: files } of contracts)
    for (const [file, declaration] of Object.entries(files))
      for (const event of await readEvents(folder, file, address.toLowerCase(), declaration)) rows.push(event)
  rows.sort((a, b) => a.event.block - b.event.block || a.event.index - b.event.index)
  for (const [place, { event, at }] of rows.entries()) {
    const before = rows[place - 1]
    if (before && before.event.block === event.block && before.event.index === event.index)
      throw new Error(
        `${before.at} and ${at} are both log ${event.index} of block ${event.block}. Each log is recorded once: remove one.`,
      )
  }
  return {
    chainId,
    addresses: contracts.map(({ address }) => address.toLowerCase()),
    events: rows.map(({ event }) => event),
  }
}

/** An event, and in which row of which file it is. */
interface PlacedEvent {
  event: Recorded
  at: string
}

async function readDescription(folder: string) {
  const file = join(folder, 'replay.json')
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new Error(`${file} cannot be read: name a folder of recorded events that holds one`, { cause })
  })
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new Error(`${file} is not JSON: ${(cause as Error).message}`, { cause })
  }
  const { success, data, error } = Description.safeParse(json)
  if (success) return data
  const [{ path, message } = { path: [], message: '' }] = error.issues
  throw new Error(`${file}: ${path.join('.') || 'the whole'}: ${message}`, { cause: error })
}

/** The columns that every file begins with: where an event stands on its chain. */
const PLACE = [
  ['block_number', 1, Number.MAX_SAFE_INTEGER],
  ['transaction_index', 0, MAX_INDEX],
  ['log_index', 0, MAX_INDEX],
] as const

async function readEvents(folder: string, file: string, address: string, declaration: string): Promise<PlacedEvent[]> {
  const event = eventOf(file, declaration)
  const text = await readFile(join(folder, file), 'utf8').catch((cause) => {
    throw new Error(`${file}, which replay.json names, cannot be read`, { cause })
  })
  const { columns, rows } = readTable(file, text)
  for (const [index, [name]] of PLACE.entries())
    if (columns[index] !== name) throw new Error(`${file}, row 1: column ${index + 1} must be ${name}`)
  if (columns.length !== PLACE.length + event.inputs.length)
    throw new Error(
      `${file}, row 1: ${event.name} has ${event.inputs.length} arguments, but there are ${columns.length - PLACE.length} columns after ${PLACE.map(([name]) => name).join(', ')}`,
    )
  return rows.map((cells, index) => {
    const at = `${file}, row ${index + 2}`
    const column = <T>(place: number, read: (cell: string) => T): T => {
      try {
        return read(cells[place] ?? '')
      } catch (cause) {
        throw new Error(`${at}, column ${columns[place]}: ${(cause as Error).message}`, { cause })
      }
    }
    const place = PLACE.map(([, min, max], n) => column(n, (cell) => wholeNumber(cell, min, max))) as [
      number,
      number,
      number,
    ]
    const values = event.inputs.map((input, n) => column(PLACE.length + n, (cell) => valueOfCell(input, cell)))
    return { at, event: recorded(address, event, place, values) }
  })
}

function eventOf(file: string, declaration: string): AbiEvent {
  try {
    const found = parseAbiItem(declaration as 'event Transfer()') as AbiParsed
    if (found.type === 'event') return found
  } catch (cause) {
    throw new Error(`replay.json: ${file}: ${JSON.stringify(declaration)} declares no event`, { cause })
  }
  throw new Error(`replay.json: ${file}: ${JSON.stringify(declaration)} declares no event`)
}

type AbiParsed = AbiEvent | { type: 'function' | 'error' }

function readTable(file: string, text: string): CsvTable {
  try {
    return parseCsv(text)
  } catch (cause) {
    throw new Error(`${file} is not a CSV file that can be read: ${(cause as Error).message}`, { cause })
  }
}

function wholeNumber(cell: string, min: number, max: number): number {
  const number = /^\d+$/.test(cell) ? Number(cell) : Number.NaN
  if (number >= min && number <= max) return number
  throw new Error(`expected a whole number from ${min}, not ${cell === '' ? 'an empty cell' : JSON.stringify(cell)}`)
}

function recorded(
  address: string,
  event: AbiEvent,
  [block, transaction, index]: readonly [number, number, number],
  values: readonly unknown[],
): Recorded {
  const named = event.inputs.map((input, place) => ({ input, value: values[place] }))
  const indexed = named.filter(({ input }) => input.indexed)
  const plain = named.filter(({ input }) => !input.indexed)
  // Unnamed arguments and repeated names are told by their places.
  const abi = [{ ...event, inputs: indexed.map(({ input }, place) => ({ ...input, name: `_${place}` })) }] as const
  return {
    block,
    transaction,
    index,
    address,
    topics: [
      toEventSelector(event),
      ...(
        encodeEventTopics({
          abi,
          eventName: event.name,
          args: Object.fromEntries(indexed.map(({ value }, place) => [`_${place}`, value])),
        }) as Hex[]
      ).slice(1),
    ],
    data: encodeAbiParameters(
      plain.map(({ input }) => input as AbiParameter),
      plain.map(({ value }) => value),
    ),
  }
}
