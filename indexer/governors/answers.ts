import { parseAbi } from 'viem'
import type { BlockId } from '../chain/blockRange.ts'
import type { ChainCache } from '../chain/cache.ts'
import { contractReader } from '../rpc/contractReader.ts'
import { RecordedChain } from '../rpc/errors.ts'
import type { Rpc } from '../rpc/rpc.ts'
import type { Rows } from '../store/rows.ts'
import { asJson, type FollowedGovernor } from './profile.ts'
import { readGovernor } from './readGovernor.ts'

/** What handlers ask contracts. A question is as of the block of an event, so that its answer is a function of the chain, as the event is. It is
 *  undefined where the contract has no such function, or the chain is a replay. */

const abi = parseAbi([
  'function quorum(uint256) view returns (uint256)',
  'function superQuorum(uint256) view returns (uint256)',
  'function quorumVotes() view returns (uint256)',
  'function state(uint256) view returns (uint8)',
])

export type NumberFunction = 'quorum' | 'superQuorum' | 'state'

/** A contract, and the block as of which it is asked. */
export interface ContractAt {
  address: string
  block: number
  blockHash: string
}

const blockOf = ({ block, blockHash }: ContractAt): BlockId => ({ number: block, hash: blockHash })

export class ContractAnswers {
  /** @param cache what was answered before, about final blocks. */
  constructor(
    private readonly rpc: Rpc,
    private readonly cache?: Pick<ChainCache, 'answer' | 'keepAnswer'>,
  ) {}

  /** What a function of a contract returns for each argument. */
  numbers(
    rows: Rows,
    asked: ContractAt,
    name: NumberFunction,
    values: readonly (bigint | number | string)[],
  ): (bigint | undefined)[] {
    const { address } = asked
    const read = contractReader(this.rpc, abi, blockOf(asked))
    return this.asNumbers(
      rows,
      asked,
      values.map((value) => [`${address} ${name} ${value}`, () => read(address, name, BigInt(value))]),
    )
  }

  /** The quorum of one of Compound's Governors. */
  quorumVotes(rows: Rows, asked: ContractAt): bigint | undefined {
    const { address } = asked
    const read = contractReader(this.rpc, abi, blockOf(asked))
    return this.asNumbers(rows, asked, [[`${address} quorumVotes`, () => read(address, 'quorumVotes')]])[0]
  }

  private asNumbers(
    rows: Rows,
    asked: ContractAt,
    questions: readonly [about: string, ask: () => Promise<bigint | number | undefined>][],
  ): (bigint | undefined)[] {
    const answers = rows.ask(
      questions.map(([about, ask]) =>
        this.question(asked, about, async () => {
          const answer = await ask()
          return answer === undefined ? null : String(answer)
        }),
      ),
    )
    return answers.map((answer) => (answer === null ? undefined : BigInt(answer)))
  }

  /** What a Governor says of itself. */
  governor(rows: Rows, asked: ContractAt): FollowedGovernor | undefined {
    const { address } = asked
    const load = async () => asJson(await readGovernor(this.rpc, blockOf(asked), { address }))
    return rows.ask([this.question(asked, address, load)])[0] ?? undefined
  }

  /** A question with an answer of JSON values: null where the chain is a replay. */
  private question<T>({ block, blockHash }: ContractAt, about: string, ask: () => Promise<T | null>) {
    const key = `${blockHash} ${about}`
    const load = async (): Promise<T | null> => {
      const known = this.cache?.answer(key)
      if (known) return known.answer as T | null
      const answer = await unlessRecorded(ask)
      this.cache?.keepAnswer(block, key, answer)
      return answer
    }
    return { key, load }
  }
}

async function unlessRecorded<T>(request: () => Promise<T>): Promise<T | null> {
  try {
    return await request()
  } catch (error) {
    if (error instanceof RecordedChain) return null
    throw error
  }
}
