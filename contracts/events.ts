import type { Abi, AbiEvent, AbiParameter, Address, ContractEventName, GetEventArgs, Hex } from 'viem'
import { decodeAbiParameters, hexToBytes, toEventSelector } from 'viem'
import { type ContractName, contracts } from './generated/index.ts'

export { type ContractName, contracts }

type Contracts = typeof contracts
type EventNameOf<C extends ContractName> = ContractEventName<Contracts[C]['abi']>

/** The decoded arguments of an event, by name. Addresses are lower case, integers up to 48 bits are numbers (as in viem). */
export type EventArgs<C extends ContractName, N extends EventNameOf<C>> = GetEventArgs<
  Contracts[C]['abi'],
  N,
  { EnableUnion: false; IndexedOnly: false; Required: true }
>

/** A decoded event of one contract: a union over its events, discriminated by `name`. */
export type DecodedEvent<C extends ContractName = ContractName> = {
  [K in C]: { [N in EventNameOf<K>]: { contract: K; name: N; args: EventArgs<K, N> } }[EventNameOf<K>]
}[C]

/** The part of a log that decoding needs. */
export type RawLog = { topics: readonly Hex[]; data: Hex }

/** Decodes one word (64 hex digits); for a dynamic argument, the content that the word points to in the data. */
type Reader = { name: string; decode: (word: string, data: string) => unknown }
type NamedParameter = AbiParameter & { name: string }
type Entry = {
  name: string
  indexed: Reader[]
  plain: readonly NamedParameter[]
  /** Number of words at the start of the data if every plain parameter is one static word, a string or bytes; otherwise viem decodes. */
  words: number | undefined
  /** The arguments in the order of their names, as in canonical JSON. */
  order: readonly { reader: Reader; place: number; indexed: boolean }[]
}

/** A log has an event's topic but not its shape: another contract's event with the same signature. */
export class EventShapeError extends Error {
  override name = 'EventShapeError'
}

/** Topic 0 → event, per contract. */
const tables = Object.fromEntries(
  Object.values(contracts).map(({ name, abi }) => [name, tableOf(abi as Abi)]),
) as unknown as Record<ContractName, ReadonlyMap<Hex, Entry>>

/** The possible first topics of a contract's logs: the filter for `eth_getLogs`. */
export function topicsOf(contract: ContractName): Hex[] {
  return [...tables[contract].keys()]
}

/** The first topic of one event. */
export function topicOf<C extends ContractName>(contract: C, event: EventNameOf<C>): Hex {
  for (const [topic, entry] of tables[contract]) if (entry.name === event) return topic
  throw new Error(`${contract} has no event ${event}`)
}

/** Decodes a log that a contract of this kind emitted (any OpenZeppelin Governor counts as `ModelGovernor`, any votes token as
 *  `GOpen`, any timelock as `TimelockController`). `undefined` when the kind has no such event.
 *  @throws EventShapeError when topics or data do not fit the event's declaration. */
export function decodeLog<C extends ContractName>(contract: C, log: RawLog): DecodedEvent<C> | undefined {
  const entry = log.topics[0] === undefined ? undefined : tables[contract].get(log.topics[0])
  if (!entry) return undefined
  if (log.topics.length !== entry.indexed.length + 1)
    throw new EventShapeError(
      `${contract}.${entry.name} has ${entry.indexed.length} indexed arguments, but the log has ${log.topics.length - 1}. Is it from another kind of contract?`,
    )
  const args =
    entry.words === undefined ? readByViem(contract, entry, log) : readWords(contract, entry, entry.words, log)
  return { contract, name: entry.name, args } as unknown as DecodedEvent<C>
}

const wordAt = (data: string, place: number) => data.slice(2 + 64 * place, 66 + 64 * place)

function topicAt(topics: readonly Hex[], place: number): string {
  const topic = topics[place]
  if (topic === undefined) throw new EventShapeError(`the log has no topic ${place}`)
  return wordAt(topic, 0)
}

function readWords(
  contract: ContractName,
  entry: Entry,
  words: number,
  { topics, data }: RawLog,
): Record<string, unknown> {
  if (data.length < 2 + 64 * words)
    throw new EventShapeError(`${contract}.${entry.name}: the data has ${(data.length - 2) / 2} bytes, too few`)
  const args: Record<string, unknown> = {}
  for (const { reader, place, indexed } of entry.order) {
    const value = indexed ? reader.decode(topicAt(topics, place), '') : reader.decode(wordAt(data, place), data)
    if (value === undefined) throw new EventShapeError(`${contract}.${entry.name}: ${reader.name} is outside the data`)
    args[reader.name] = value
  }
  return args
}

function readByViem(contract: ContractName, entry: Entry, { topics, data }: RawLog): Record<string, unknown> {
  let values: readonly unknown[]
  try {
    values = decodeAbiParameters(entry.plain, data)
  } catch (cause) {
    throw new EventShapeError(`${contract}.${entry.name}: the data does not fit the event's declaration`, { cause })
  }
  const args: Record<string, unknown> = {}
  for (const [place, reader] of entry.indexed.entries())
    args[reader.name] = reader.decode(topicAt(topics, place + 1), '')
  for (const [place, parameter] of entry.plain.entries())
    args[parameter.name] = lowerAddresses(parameter, values[place])
  return args
}

function tableOf(abi: Abi): Map<Hex, Entry> {
  const events = abi.filter((item): item is AbiEvent => item.type === 'event')
  return new Map(
    events.map((event) => {
      const inputs = event.inputs.map((input) => ({ ...named(input), indexed: input.indexed }))
      const plain = inputs.filter((input) => !input.indexed)
      const words = plain.map((input) => readerOf(input) ?? dynamicReaderOf(input)).filter((reader) => !!reader)
      const indexed = inputs
        .filter((input) => input.indexed)
        .map((input): Reader => readerOf(input) ?? { name: input.name, decode: (word) => `0x${word}` })
      const order = [
        ...indexed.map((reader, index) => ({ reader, place: index + 1, indexed: true })),
        ...words.map((reader, place) => ({ reader, place, indexed: false })),
      ].sort((a, b) => (a.reader.name < b.reader.name ? -1 : 1))
      const readable = words.length === plain.length
      return [
        toEventSelector(event),
        { name: event.name, indexed, plain, words: readable ? words.length : undefined, order },
      ]
    }),
  )
}

/** @throws Error when an argument has no name, because decoded arguments are stored by name. */
function named(parameter: AbiParameter): NamedParameter {
  const { name } = parameter
  if (name === undefined) throw new Error(`An event argument of type ${parameter.type} has no name`)
  return { ...parameter, name }
}

/** The start of a word that holds a non-negative number of 48 bits. */
const ZEROS = '0'.repeat(52)

/** A reader of one 32-byte word (64 hex digits), for types that fit in one. */
function readerOf({ name, type }: NamedParameter): Reader | undefined {
  if (type === 'address') return { name, decode: (word) => `0x${word.slice(24)}` satisfies Address }
  if (type === 'bool') return { name, decode: (word) => word.endsWith('1') }
  const bytes = /^bytes(\d+)$/.exec(type)
  if (bytes) return { name, decode: (word) => `0x${word.slice(0, 2 * Number(bytes[1]))}` }
  const integer = /^(u?)int(\d+)$/.exec(type)
  if (!integer) return undefined
  const [, unsigned, size] = integer
  const value = (word: string) => (unsigned ? BigInt(`0x${word}`) : BigInt.asIntN(256, BigInt(`0x${word}`)))
  if (Number(size) > 48) return { name, decode: value }
  return { name, decode: (word) => (word.startsWith(ZEROS) ? Number.parseInt(word, 16) : Number(value(word))) }
}

/** Browsers, too, have it: `Buffer` is Node's alone. What begins with a byte order mark keeps it. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/** The bytes to which a word points; undefined outside the data. */
function bytesBehind(word: string, data: string): Hex | undefined {
  const start = 2 + 2 * Number(`0x${word}`)
  const from = start + 64
  if (!(from <= data.length)) return undefined
  const end = from + 2 * Number(`0x${data.slice(start, from)}`)
  return end <= data.length ? `0x${data.slice(from, end)}` : undefined
}

/** The bytes of the string, or of the bytes, at a place among the arguments in a log's data; undefined outside the data. They need not be UTF-8. */
export const bytesAt = (data: Hex, place: number): Hex | undefined => bytesBehind(wordAt(data, place), data)

const [ZERO, NINE, BEFORE_A] = [48, 57, 87]
/** A hex digit of either case as a number. */
const digitAt = (hex: string, place: number): number => {
  const code = hex.charCodeAt(place)
  return code <= NINE ? code - ZERO : (code | 0x20) - BEFORE_A
}

/** Longer texts are decoded faster by the decoder. */
const MAX_ASCII = 64

/** The text of a few bytes; undefined where they are not ASCII alone. */
function asciiOf(bytes: Hex): string | undefined {
  if (bytes.length > 2 + 2 * MAX_ASCII) return undefined
  let text = ''
  for (let place = 2; place < bytes.length; place += 2) {
    const code = 16 * digitAt(bytes, place) + digitAt(bytes, place + 1)
    if (code >= 0x80) return undefined
    text += String.fromCharCode(code)
  }
  return text
}

/** A reader of a string or bytes: its word is the offset of the length, which the bytes follow. It returns undefined outside the data. */
function dynamicReaderOf({ name, type }: NamedParameter): Reader | undefined {
  if (type !== 'string' && type !== 'bytes') return undefined
  return {
    name,
    decode(word, data) {
      const bytes = bytesBehind(word, data)
      return bytes === undefined || type === 'bytes' ? bytes : (asciiOf(bytes) ?? utf8.decode(hexToBytes(bytes)))
    },
  }
}

function lowerAddresses(parameter: AbiParameter, value: unknown): unknown {
  if (parameter.type === 'address') return (value as string).toLowerCase()
  const inner = /^(.*)\[\d*\]$/.exec(parameter.type)?.[1]
  if (inner !== undefined)
    return (value as unknown[]).map((item) => lowerAddresses({ ...parameter, type: inner } as AbiParameter, item))
  if (!('components' in parameter)) return value
  const record = value as Record<string, unknown>
  return Object.fromEntries(
    parameter.components.map((part) => [part.name, lowerAddresses(part, record[part.name ?? ''])]),
  )
}
