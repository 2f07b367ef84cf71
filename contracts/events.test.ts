import { type Abi, decodeEventLog, encodeAbiParameters, encodeEventTopics, type Hex, pad, toEventSelector } from 'viem'
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest'
import { must } from '#test/must.ts'
import {
  type ContractName,
  contracts,
  type DecodedEvent,
  decodeLog,
  EventShapeError,
  topicOf,
  topicsOf,
} from './events.ts'
import { mandate } from './test/mandate.ts'
import { startWorld, type World } from './test/world.ts'

const names = Object.keys(contracts) as ContractName[]
const eventsOf = (name: ContractName) => (contracts[name].abi as Abi).filter((item) => item.type === 'event')

describe('on a real chain', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld()
    await mandate(world)
  })
  afterAll(() => world?.anvil.stop())

  test('every log decodes to the same as with viem', async () => {
    const logs = await world.client.getLogs({ fromBlock: 0n, toBlock: 'latest' })
    const seen = new Set<string>()
    for (const log of logs) {
      const name = must(names.find((one) => world.at[one].toLowerCase() === log.address.toLowerCase()))
      const { eventName, args } = decodeEventLog({ abi: contracts[name].abi as Abi, ...log })
      const decoded = args === undefined ? {} : lower(args) // viem decodes an event without arguments to undefined
      expect(decodeLog(name, log)).toEqual({ contract: name, name: eventName, args: decoded })
      seen.add(`${name}.${eventName}`)
    }
    expect(logs.length).toBeGreaterThan(60)
    expect([...seen]).toEqual(
      expect.arrayContaining([
        'ModelGovernor.ProposalCreated',
        'TimelockController.CallScheduled',
        'ModelRegistry.SplitSet',
      ]),
    )
  })
})

test('every event of every contract survives encoding and decoding', () => {
  for (const name of names)
    for (const event of eventsOf(name)) {
      const values = event.inputs.map((input, i) => sample(input, i))
      const args = Object.fromEntries(event.inputs.map((input, i) => [input.name, values[i]]))
      // `never`: the event is chosen at run time, from the contract's own ABI.
      const topics = encodeEventTopics({ abi: [event], eventName: event.name, args } as never) as Hex[]
      const plain = event.inputs.filter((input) => !input.indexed)
      const data = encodeAbiParameters(
        plain,
        plain.map((input) => args[must(input.name)]),
      )
      expect(decodeLog(name, { topics, data }), `${name}.${event.name}`).toEqual({
        contract: name,
        name: event.name,
        args: lower(args),
      })
    }
})

test('the topics of a contract are those of its events', () => {
  for (const name of names) expect(topicsOf(name).sort()).toEqual(eventsOf(name).map(toEventSelector).sort())
  expect(topicOf('GOpen', 'Transfer')).toBe('0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef')
  // `never`: a name that the type forbids.
  expect(() => topicOf('GOpen', 'Nothing' as never)).toThrow('GOpen has no event Nothing')
})

describe('a log of another shape', () => {
  const topic = topicOf('GOpen', 'Transfer')
  const account = pad('0x01')

  test('is unknown when the contract has no such event, or the log has no topic', () => {
    expect(decodeLog('Treasury', { topics: [topic, account, account], data: pad('0x5') })).toBeUndefined()
    expect(decodeLog('GOpen', { topics: [], data: '0x' })).toBeUndefined()
  })

  test('is refused when the same signature indexes other arguments (ERC-721’s Transfer) or the data is short', () => {
    expect(() => decodeLog('GOpen', { topics: [topic, account, account, account], data: '0x' })).toThrow(
      EventShapeError,
    )
    expect(() => decodeLog('GOpen', { topics: [topic, account, account], data: '0x05' })).toThrow('too few')
    const created = topicOf('ModelGovernor', 'ProposalCreated')
    expect(() => decodeLog('ModelGovernor', { topics: [created], data: '0x05' })).toThrow('does not fit')
  })

  test('is refused when a string is outside the data, and its bytes are kept as they are', () => {
    const cast = topicOf('ModelGovernor', 'VoteCast')
    const words = (...values: bigint[]) => values.map((value) => value.toString(16).padStart(64, '0')).join('')
    const log = (...values: bigint[]) => ({ topics: [cast, account], data: `0x${words(1n, 2n, 3n, ...values)}` as Hex })
    const decode = (...values: bigint[]) => decodeLog('ModelGovernor', log(...values))
    for (const outside of [[2n ** 255n], [160n], [128n, 33n], [128n, 2n ** 200n]])
      expect(() => decode(...outside), String(outside)).toThrow('reason is outside the data')
    expect(decode(128n, 0n)).toMatchObject({ args: { reason: '', support: 2 } })
    expect(decode(128n, 4n, BigInt('0x00616200') << 224n)).toMatchObject({ args: { reason: '\0ab\0' } })
  })
})

test('the types follow the ABI', () => {
  type Promoted = Extract<DecodedEvent<'ModelRegistry'>, { name: 'VersionPromoted' }>
  expectTypeOf<Promoted['args']>().toEqualTypeOf<{ versionId: bigint }>()
  type Revealed = Extract<DecodedEvent, { name: 'FeedbackRevealed' }>
  expectTypeOf<Revealed['args']['choice']>().toEqualTypeOf<number>()
})

/** A value of an ABI type, including extreme values. */
function sample(
  input: { type: string; components?: readonly { type: string; name?: string }[] },
  seed: number,
): unknown {
  const { type } = input
  const list = /^(.*)\[\]$/.exec(type)
  if (list) return [0, 1].map((i) => sample({ ...input, type: must(list[1]) }, seed + i))
  if (type === 'tuple')
    return Object.fromEntries(must(input.components).map((part, i) => [part.name, sample(part, seed + i)]))
  if (type === 'address') return pad(`0x${(0xabcdef + seed).toString(16)}`, { size: 20 })
  if (type === 'bool') return seed % 2 === 0
  if (type === 'string') return `text ${seed} ü 🙂`
  if (type === 'bytes') return '0x1234'
  const fixed = /^bytes(\d+)$/.exec(type)
  if (fixed) return pad(`0x${(seed + 17).toString(16)}`, { size: Number(fixed[1]) })
  const integer = must(/^(u?)int(\d+)$/.exec(type), type)
  const bits = BigInt(must(integer[2]))
  const most = integer[1] ? 2n ** bits - 1n : -(2n ** (bits - 1n))
  return bits <= 48n ? Number(most) : most
}

/** Lower-cases every address in decoded arguments. */
function lower(value: unknown): unknown {
  if (typeof value === 'string') return /^0x[0-9a-fA-F]{40}$/.test(value) ? value.toLowerCase() : value
  if (Array.isArray(value)) return value.map(lower)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, lower(item)]))
}
