import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type AbiEvent, type AbiParameter, encodeAbiParameters, encodeEventTopics, type Hex, parseAbiItem } from 'viem'
import { z } from 'zod'
import { parseCsv } from './csv.ts'

/** A folder of real events as CSV, with a `replay.json` that says which contract and event each file holds. */

const Description = z.object({
  chainId: z.number().int().positive(),
  contracts: z.array(
    z.object({ address: z.string().regex(/^0x[0-9a-fA-F]{40}$/), events: z.record(z.string(), z.string()) }),
  ),
})

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

/** Reads a folder. @throws Error that names the file and row which does not fit its event. */
export async function readRecording(folder: string): Promise<Recording> {
  const file = join(folder, 'replay.json')
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new Error(`${file} cannot be read: name a folder of recorded events that holds one`, { cause })
  })
  const { chainId, contracts } = Description.parse(JSON.parse(text))
  const events: Recorded[] = []
  for (const { address, events: files } of contracts)
    for (const [name, declaration] of Object.entries(files)) {
      const event = parseAbiItem(declaration) as AbiEvent
      const rows = readRows(name, await readFile(join(folder, name), 'utf8'))
      for (const [index, row] of rows.entries()) {
        try {
          events.push(recorded(address.toLowerCase(), event, row))
        } catch (cause) {
          throw new Error(`${name}, row ${index + 2}: it does not fit ${event.name} (${(cause as Error).message})`, {
            cause,
          })
        }
      }
    }
  events.sort((a, b) => a.block - b.block || a.index - b.index)
  return { chainId, addresses: contracts.map(({ address }) => address.toLowerCase()), events }
}

function readRows(name: string, text: string): Record<string, string>[] {
  try {
    return parseCsv(text)
  } catch (cause) {
    throw new Error(`${name} is not a CSV file that can be read: ${(cause as Error).message}`, { cause })
  }
}

function recorded(address: string, event: AbiEvent, row: Record<string, string>): Recorded {
  const cells = Object.values(row).slice(3)
  const values = event.inputs.map((input, index) => read(input.type, cells[index] ?? ''))
  const named = Object.fromEntries(event.inputs.map((input, index) => [input.name ?? '', values[index]]))
  const plain = event.inputs.flatMap((input, index) => (input.indexed ? [] : [{ input, value: values[index] }]))
  return {
    block: Number(row.block_number),
    transaction: Number(row.transaction_index),
    index: Number(row.log_index),
    address,
    topics: encodeEventTopics({ abi: [event], eventName: event.name, args: named }) as Hex[],
    data: encodeAbiParameters(
      plain.map(({ input }) => input as AbiParameter),
      plain.map(({ value }) => value),
    ),
  }
}

/** A cell as the value of an ABI type: bytes are hex, with or without `0x`; arrays are bracketed lists with quoted texts. */
function read(type: string, cell: string): unknown {
  const inner = /^(.*)\[\]$/.exec(type)?.[1]
  if (inner) return items(cell).map((item) => read(inner, item))
  if (/^u?int/.test(type)) return Number(/\d+/.exec(type)?.[0] ?? 256) <= 48 ? Number(cell) : BigInt(cell)
  if (type.startsWith('bytes')) return `0x${cell.replace(/^0x/, '')}`
  if (type === 'bool') return cell.toLowerCase() === 'true'
  return cell
}

/** The items of a list as text: numbers may exceed JSON's range, and bytes may be unquoted. */
function items(cell: string): string[] {
  const found = [...cell.matchAll(/"((?:[^"\\]|\\.)*)"|[^[\],\s]+/g)]
  return found.map(([whole, text]) => (text === undefined ? whole : (JSON.parse(whole) as string)))
}
