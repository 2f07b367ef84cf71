import { type Address, type Hex, keccak256, stringToBytes } from 'viem'
import type { ContractName } from '#contracts/generated/index.ts'
import { type CanonicalValue, canonicalJson } from '#rules/canonicalJson.ts'
import { accountOf } from './account.ts'
import { type UploadKind, upload } from './acts/upload.ts'
import type { SentCall, WriteCall, WriteName } from './chain/contracts.ts'
import type { MinedTransaction } from './chain/minedTransaction.ts'
import { neededGas } from './chain/neededGas.ts'
import { planCall } from './chain/planCall.ts'
import { relayOnce, requireRelayed } from './chain/relay.ts'
import { type SentRecord, sendOnce } from './chain/send.ts'
import type { ActProgress, Client } from './client.ts'
import { StateError } from './errors.ts'
import { waitForBlock } from './graphql/waitForBlock.ts'
import { hasFailed, JobFailedError } from './graphql/waitForJob.ts'
import { inOrder } from './inOrder.ts'
import { randomHex } from './randomHex.ts'

/** What an unfinished act has done so far. */
export interface ActRecord {
  act: string
  /** What must stay the same when the act goes on: salts, keys, plans. */
  kept: Record<string, unknown>
  /** The transactions, by step. */
  sent: Record<string, SentRecord>
}

/** An act of an account in progress. Whatever it does is recorded before it happens: an act that is asked for again after a crash goes on
 *  where it ended; one that was finished starts anew. */
export class Act {
  private lastBlock = 0n

  private constructor(
    readonly client: Client,
    private readonly key: string,
    private readonly record: ActRecord,
  ) {}

  /** Runs one act to its end. `input` is what tells it from others of the same kind.
   *  @throws ClientError when the client has no account. */
  static async run<T>(client: Client, name: string, input: CanonicalValue, body: (act: Act) => Promise<T>): Promise<T> {
    const { chainId, addresses } = client.deployment
    const place = { chainId, token: addresses.GOpen, account: accountOf(client).toLowerCase(), name, input }
    const key = `act/${keccak256(stringToBytes(canonicalJson(place)))}`
    // Two that are the same would share one record: the second waits for the end of the first.
    return inOrder(key, async () => {
      const unlock = client.plan ? undefined : await client.state.lock?.()
      try {
        const act = new Act(client, key, await readRecord(client, key, name))
        const result = await body(act)
        if (!client.plan) {
          await act.wait()
          await client.state.remove(key)
        }
        return result
      } finally {
        await unlock?.()
      }
    })
  }

  get account(): Address {
    return accountOf(this.client)
  }

  /** A value that is made once, and stays the same when the act goes on after a crash: JSON. With `holds`, one that holds no longer is made anew. */
  async keep<T>(
    name: string,
    make: () => T | Promise<T>,
    holds: (kept: T) => boolean | Promise<boolean> = () => true,
  ): Promise<T> {
    const { kept } = this.record
    if (!(name in kept) || !(await holds(kept[name] as T))) {
      kept[name] = await make()
      await this.store()
    }
    return kept[name] as T
  }

  /** Asks the API for a job under a key that is kept, so that it is one job also after a crash. A job that failed for good is asked for under a new key when the act
   *  is run again, unless somebody has had it tried again since: else it could be done, and charged, twice. `check` comes before each new key. */
  async askForJob<T>(name: string, ask: (key: string) => Promise<T>, check?: () => Promise<unknown>): Promise<T> {
    const { kept } = this.record
    const failed = failedKey(name)
    if (failed in kept && (await hasFailed(this.client, kept[failed] as string))) {
      delete kept[name]
      delete kept[failed]
    }
    try {
      const key = await this.keep(name, async () => {
        await check?.()
        return randomHex()
      })
      return await ask(key)
    } catch (error) {
      if (error instanceof JobFailedError) {
        kept[failed] = error.jobId
        await this.store()
      }
      throw error
    }
  }

  /** Sends a call and waits until it is mined; a call that was sent before the crash is not sent again. `payer` is another client's account that
   *  pays for it. `attempt` tells repetitions of the same call apart.
   *  @throws ContractRefusal with what to do when the contract refuses. */
  async send<C extends ContractName, F extends WriteName<C>>(
    call: WriteCall<C, F>,
    { payer = this.client, attempt = '' }: { payer?: Client; attempt?: string } = {},
  ): Promise<MinedTransaction> {
    const digest = digestOf(call as SentCall, attempt)
    const mined = payer.relay
      ? await this.relay(call as SentCall, digest)
      : await this.sendOnce(payer, call as SentCall, digest)
    if (mined.blockNumber > this.lastBlock) this.lastBlock = mined.blockNumber
    return mined
  }

  /** Whether the call was signed before, by this run or by one that ended: what it needs was looked at then, and may be used up by now. */
  hasBegun(call: SentCall): boolean {
    const digest = digestOf(call)
    return digest in this.record.sent || relayKey(digest) in this.record.kept
  }

  private async relay(call: SentCall, digest: string): Promise<MinedTransaction> {
    requireRelayed(this.client, call)
    if (this.client.plan) return planCall(this.client, call)
    const name = relayKey(digest)
    this.progress({ step: 'waiting for the relayer' })
    const onSent = (hash: Hex) => this.progress({ step: `${call.contract}.${call.functionName}`, hash })
    return this.askForJob(
      name,
      (key) => relayOnce(this.client, call, { account: this.account, key, onSent }),
      () => neededGas(this.client, call), // a refusal is told in words, and costs nobody anything
    )
  }

  private sendOnce(payer: Client, call: SentCall, digest: string): Promise<MinedTransaction> {
    const step = `${call.contract}.${call.functionName}`
    return sendOnce(payer, call, {
      known: this.record.sent[digest],
      remember: async (sent) => {
        if (sent) this.record.sent[digest] = sent
        else delete this.record.sent[digest]
        await this.store()
      },
      onSent: (hash) => this.progress({ step, hash }),
    })
  }

  /** Publishes a text, and returns its name. */
  publish(kind: UploadKind, content: string): Promise<`0x${string}`> {
    return this.client.plan ? Promise.resolve(keccak256(stringToBytes(content))) : upload(this.client, kind, content)
  }

  progress(progress: Omit<ActProgress, 'act'>): void {
    this.client.onProgress?.({ act: this.record.act, ...progress })
  }

  /** Waits until the index has what was sent so far, as the client wants it. */
  async wait(): Promise<void> {
    const { doneWhen } = this.client
    if (doneWhen === 'mined' || this.lastBlock === 0n || this.client.plan) return
    this.progress({ step: doneWhen === 'final' ? 'waiting until it is final' : 'waiting for the index' })
    await waitForBlock(this.client, this.lastBlock, { final: doneWhen === 'final' })
  }

  private async store(): Promise<void> {
    if (!this.client.plan) await this.client.state.write(this.key, JSON.stringify(this.record))
  }
}

const digestOf = ({ contract, functionName, args, value = 0n }: SentCall, attempt = '') =>
  keccak256(stringToBytes(canonicalJson([`${contract}.${functionName}`, args as CanonicalValue, value, attempt])))

/** Under which the job is kept that was asked for under a key, and failed. */
const failedKey = (name: string) => `failed ${name}`

const relayKey = (digest: string) => `relay ${digest}`

async function readRecord({ state }: Client, key: string, act: string): Promise<ActRecord> {
  const text = await state.read(key)
  if (text === undefined) return { act, kept: {}, sent: {} }
  try {
    return JSON.parse(text) as ActRecord
  } catch (cause) {
    throw new StateError(`The state of the unfinished act ${act} (${key}) cannot be read. Put back a copy of it.`, {
      cause,
    })
  }
}
