import { type Abi, type AbiEvent, type AbiParameter, encodeAbiParameters, encodeEventTopics, type Hex } from 'viem'
import { type ContractName, contracts } from '#contracts/events.ts'
import { account } from '#test/factory.ts'
import { must } from '#test/must.ts'

/** The events of a lifecycle as values that JSON can hold: integers are decimal strings. */

export type EventValue = string | boolean | { [name: string]: EventValue }

export interface LifecycleEvent {
  block: number
  contract: ContractName
  name: string
  args: Record<string, EventValue>
}

/** Each contract's address, in the order of deployment. */
export const ADDRESSES = Object.fromEntries(
  Object.keys(contracts).map((name, i) => [name, account(0xc0de00 + i)]),
) as Record<ContractName, Hex>

export interface LifecycleLog {
  address: Hex
  topics: Hex[]
  data: Hex
  block: number
  index: number
}

/** The logs that the contracts emit for `events`. They are numbered within their blocks from 0 on. */
export function rawLogs(events: readonly LifecycleEvent[]): LifecycleLog[] {
  let [block, index] = [-1, 0]
  return events.map((event) => {
    index = event.block === block ? index + 1 : 0
    block = event.block
    return { ...encoded(event), block, index }
  })
}

function encoded({ contract, name, args }: LifecycleEvent) {
  const abi = contracts[contract].abi as Abi
  const event = must(abi.find((item): item is AbiEvent => item.type === 'event' && item.name === name))
  const values = event.inputs.map((input) => ({ input, value: typed(input, must(args[input.name ?? ''])) }))
  const plain = values.filter(({ input }) => !input.indexed)
  return {
    address: ADDRESSES[contract],
    topics: encodeEventTopics({
      abi: [event],
      eventName: name,
      args: Object.fromEntries(values.map(({ input, value }) => [input.name, value])),
    }) as Hex[],
    data: encodeAbiParameters(
      plain.map(({ input }) => input),
      plain.map(({ value }) => value),
    ),
  }
}

function typed(parameter: AbiParameter, value: EventValue): unknown {
  if ('components' in parameter)
    return Object.fromEntries(
      parameter.components.map((part) => {
        const name = part.name ?? ''
        return [name, typed(part, must((value as Record<string, EventValue>)[name]))]
      }),
    )
  return parameter.type.startsWith('uint') ? BigInt(value as string) : value
}
