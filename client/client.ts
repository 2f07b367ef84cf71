import type { Account, Address, Chain, Hex, PublicClient, WalletClient } from 'viem'
import type { ContractName } from '#contracts/generated/index.ts'
import type { ReadArgs, ReadName, ReadResult } from './chain/contracts.ts'
import type { ServedDeployment } from './deployment.ts'
import type { AskApi, RequestApi } from './graphql/api.ts'
import type { StateStore } from './state/stateStore.ts'

/** One thing that an act has done, or waits for. */
export interface ActProgress {
  act: string
  /** What happens now, in words. */
  step: string
  done?: number
  total?: number
  /** Of the transaction that was sent. */
  hash?: `0x${string}`
}

/** A step that a dry run would have signed or sent. */
export interface PlannedStep {
  step: string
  /** Of the account that would send it. */
  from: Address
  args: readonly unknown[]
  /** Native tokens sent with it, in wei. */
  value: bigint
  /** The gas that it would use; undefined while an earlier step that it needs is not sent. */
  gas?: bigint
  /** The most that the gas would cost, in wei. */
  cost?: bigint
}

/** When an act is done: its transactions are mined, or their effect is in the index, or in a final block of it. */
export type DoneWhen = 'mined' | 'indexed' | 'final'

/** A connection to one system, for one account. Every act takes it first. */
export interface Client {
  /** Of the API, without a slash at its end. */
  readonly url: string
  readonly deployment: ServedDeployment
  readonly chain: Chain
  readonly node: PublicClient
  /** Signs and pays. Undefined for a client that only reads. */
  readonly wallet?: WalletClient & { account: Account }
  readonly state: StateStore
  readonly ask: AskApi
  readonly request: RequestApi
  readonly doneWhen: DoneWhen
  /** The API sends what the account signs, and pays the gas. */
  readonly relay: boolean
  readonly pollMs: number
  readonly signal?: AbortSignal
  onProgress?(progress: ActProgress): void
  /** A new secret, such as the salt of a commitment; `subject` tells what for, and names the account. */
  newSecret(subject: string): Hex
  /** Set in a dry run: the steps so far. Nothing is sent. */
  readonly plan?: PlannedStep[]
  /** Reads a contract. */
  read<C extends ContractName, F extends ReadName<C>, A extends ReadArgs<C, F>>(
    contract: C,
    functionName: F,
    args: A,
  ): Promise<ReadResult<C, F, A>>
}
