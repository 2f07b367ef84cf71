import { type Hex, zeroHash } from 'viem'
import type { Client } from '../client.ts'
import { ApiRefusal, ClientError, UnavailableError } from '../errors.ts'
import { graphql } from '../graphql/document.ts'
import { waitForJob } from '../graphql/waitForJob.ts'
import { pause } from '../pause.ts'
import type { SentCall } from './contracts.ts'
import { type MinedTransaction, minedTransaction } from './minedTransaction.ts'
import { dataOf } from './neededGas.ts'

const RELAY = graphql(
  'mutation ($input: RelayInput!, $key: String!) { relay(input: $input, idempotencyKey: $key) { id } }',
)

export interface Relaying {
  account: Hex
  /** Identifies the request: asked for again, it is the same. */
  key: string
  onSent(hash: Hex): void
}

/** Lets the API send a call that the account has signed, and waits until it is mined. The account pays no gas.
 *  @throws JobFailedError when the relayer refuses it, or it failed. */
export async function relayOnce(client: Client, call: SentCall, relaying: Relaying): Promise<MinedTransaction> {
  const { account, key, onSent } = relaying
  const input = { account, call: nameOf(call), data: dataOf(call) }
  const { hash } = await inTime(client, async (bounded) =>
    waitForJob<{ hash: Hex | null }>(bounded, await ask(bounded, input, key)),
  )
  // Somebody else has sent the same signed act: the chain has what it does.
  if (!hash) return { hash: zeroHash, blockNumber: await client.node.getBlockNumber({ cacheTime: 0 }), events: [] }
  onSent(hash)
  return minedTransaction(client.deployment, await client.node.getTransactionReceipt({ hash }))
}

/** For how long a relayer may keep an act waiting, in milliseconds. */
const MAX_WAIT_MS = 600_000

/** @throws UnavailableError when it takes too long. */
async function inTime<T>(client: Client, work: (bounded: Client) => Promise<T>): Promise<T> {
  const limit = AbortSignal.timeout(MAX_WAIT_MS)
  try {
    return await work({ ...client, signal: client.signal ? AbortSignal.any([client.signal, limit]) : limit })
  } catch (cause) {
    if (!limit.aborted) throw cause
    throw new UnavailableError(
      'The relayer of this API has not sent what you signed for ten minutes: it may be stopped, or without native tokens. Try again later, which sends nothing twice; or send a transaction of your own, with native tokens for gas.',
      { cause },
    )
  }
}

const nameOf = ({ contract, functionName }: SentCall) => `${contract}.${functionName}`

/** @throws ClientError that says what must be done instead. */
export function requireRelayed(client: Client, call: SentCall): void {
  const { relay } = client.deployment
  if (!relay)
    throw new ClientError(
      'This API relays nothing. Connect without `relay`, with an account that can pay for gas, or connect to another API.',
    )
  if (!relay.calls.includes(nameOf(call)))
    throw new ClientError(
      `${nameOf(call)} cannot be relayed: its contract takes it only from the account itself. Connect without \`relay\`, with native tokens for gas. Relayed are ${relay.calls.join(', ')}.`,
    )
}

interface RelayedInput {
  account: Hex
  call: string
  data: Hex
}

/** The job's id. One act of an account is relayed at a time: another one waits for its end. */
async function ask(client: Client, input: RelayedInput, key: string): Promise<string> {
  for (;;)
    try {
      return (await client.ask(RELAY, { input, key })).relay.id
    } catch (error) {
      if (!(error instanceof ApiRefusal && error.code === 'RELAY_BUSY')) throw error
      await pause(client.pollMs, client.signal)
    }
}
