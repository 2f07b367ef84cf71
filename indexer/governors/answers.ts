import { parseAbi } from 'viem'
import { contractReader } from '../rpc/contractReader.ts'
import { RecordedChain } from '../rpc/errors.ts'
import type { Rpc } from '../rpc/rpc.ts'
import type { Rows } from '../store/rows.ts'
import type { FollowedGovernor } from './profile.ts'
import { readGovernor } from './readGovernor.ts'

/** What handlers ask contracts. A question is as of the block of an event, so that its answer is a function of the chain, as the event is. It is
 *  undefined where the contract has no such function, or the chain is a replay. */

const abi = parseAbi([
  'function quorum(uint256) view returns (uint256)',
  'function superQuorum(uint256) view returns (uint256)',
  'function state(uint256) view returns (uint8)',
])

export type NumberFunction = 'quorum' | 'superQuorum' | 'state'

export class ContractAnswers {
  constructor(private readonly rpc: Rpc) {}

  /** What a function of a contract returns for each argument. */
  numbers(
    rows: Rows,
    { address, block }: { address: string; block: number },
    name: NumberFunction,
    values: readonly (bigint | number | string)[],
  ): (bigint | undefined)[] {
    const read = contractReader(this.rpc, abi, block)
    return rows.ask(
      values.map((value) => ({
        key: `${block} ${address} ${name} ${value}`,
        load: () =>
          unlessRecorded(async () => {
            const answer = await read(address, name, BigInt(value))
            return answer === undefined ? undefined : BigInt(answer)
          }),
      })),
    )
  }

  /** What a Governor says of itself. */
  governor(rows: Rows, { address, block }: { address: string; block: number }): FollowedGovernor | undefined {
    const load = () => unlessRecorded(() => readGovernor(this.rpc, block, { address }))
    return rows.ask([{ key: `${block} ${address}`, load }])[0]
  }
}

async function unlessRecorded<T>(request: () => Promise<T>): Promise<T | undefined> {
  try {
    return await request()
  } catch (error) {
    if (error instanceof RecordedChain) return undefined
    throw error
  }
}
