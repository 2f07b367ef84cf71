import type { TransactionReceipt } from 'viem'
import { type ContractName, type DecodedEvent, decodeLog } from '#contracts/events.ts'
import type { ServedDeployment } from '../deployment.ts'
import { DryRunEnd } from '../errors.ts'

/** What is known of a transaction that was mined. */
export interface MinedTransaction {
  hash: `0x${string}`
  blockNumber: bigint
  /** The events of our contracts; undefined in a dry run. */
  events?: DecodedEvent[]
}

export function minedTransaction({ addresses }: ServedDeployment, receipt: TransactionReceipt): MinedTransaction {
  const names = new Map(
    Object.entries(addresses).map(([name, address]) => [address.toLowerCase(), name as ContractName]),
  )
  const events = receipt.logs.flatMap((log) => {
    const name = names.get(log.address.toLowerCase())
    return (name && decodeLog(name, log)) || []
  })
  return { hash: receipt.transactionHash, blockNumber: receipt.blockNumber, events }
}

/** The first event with this name. @throws DryRunEnd in a dry run, Error when there is none. */
export function eventOf<C extends ContractName, N extends DecodedEvent<C>['name']>(
  { events, hash }: MinedTransaction,
  contract: C,
  name: N,
) {
  if (!events) throw new DryRunEnd(`What comes next needs the result of ${contract} (${name}).`)
  const found = events.find((event) => event.contract === contract && event.name === name)
  if (!found) throw new Error(`${contract} did not emit ${name} in ${hash}.`)
  return found as Extract<DecodedEvent<C>, { name: N }>
}
