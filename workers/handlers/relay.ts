import type { Hash } from 'viem'
import type { ContractName } from '#contracts/generated/index.ts'
import type { ChainClient, ContractCall, DecodedReceipt } from '../chain.ts'
import { RevertError } from '../chainErrors.ts'
import type { ChainDependencies } from '../dependencies.ts'
import { type JobContext, JobError, type JobHandler, type JobOutcome, PendingError } from '../job.ts'
import { type ReadCall, readCall } from '../relay/readCall.ts'

/** A call that the chain refuses sooner than this may be mined too late, in seconds. */
const MIN_LIFE = 60n

/** Sends what an account has signed, from the relayer's own account: neither its nonces nor its gas are those of the operator. Whatever is not worth its gas, or would
 *  fail, is refused before anything is signed. The job's id names the transaction, and one act of an account is relayed at a time (`graphql/commands/relay.ts`):
 *  so the same signed act is sent once, however often it is asked for. */
export const relayHandler =
  ({ relayer }: Pick<ChainDependencies, 'relayer'>): JobHandler<'relay'> =>
  async (job) => {
    if (!relayer) throw new PendingError('It waits for a worker with RELAYER_KEY.')
    const call = await readCall(relayer, job.input)
    const key = `relay:${job.id}`
    job.report(0.1, 'checking')
    if (!(await relayer.signedTransaction(key))) {
      if (await call.rule.isDone(relayer, call.args, call.account)) return outcome(job, null)
      await requireWorth(relayer, call)
    }
    job.report(0.3, 'sending')
    try {
      return outcome(job, await relayer.transact(key, contractCall(call), { signal: job.signal }))
    } catch (error) {
      // Whoever sees a signature may send it first. The act is done then, whoever paid.
      if (error instanceof RevertError && (await call.rule.isDone(relayer, call.args, call.account)))
        return outcome(job, null)
      throw error
    }
  }

const contractCall = ({ contract, functionName, args }: ReadCall) =>
  ({ contract, functionName, args }) as unknown as ContractCall<ContractName, never> // its ABI has encoded the arguments

/** @throws JobError that says why the call is not worth the relayer's gas. */
async function requireWorth(relayer: ChainClient, { rule, args, account }: ReadCall): Promise<void> {
  // The code of an account may take its signature in a trial, and refuse it in a block.
  const code = await relayer.client.getCode({ address: account })
  if (code && code !== '0x')
    throw new JobError(
      'NOT_PLAIN',
      `${account} has code. Only what plain accounts sign is relayed: send a transaction of the account.`,
    )
  const refusal = await rule.refusal?.(relayer, args, account)
  if (refusal) throw new JobError('NOT_WORTH_GAS', refusal)
  const until = await rule.until?.(relayer, args)
  if (until !== undefined && until < BigInt(await relayer.now()) + MIN_LIFE)
    throw new JobError(
      'EXPIRES_TOO_SOON',
      `The chain refuses this ${MIN_LIFE} seconds from now or sooner. Sign with a later deadline; a vote that ends can no longer be relayed.`,
    )
}

function outcome(job: JobContext<'relay'>, receipt: DecodedReceipt | null): JobOutcome {
  const mined = receipt && { hash: receipt.transactionHash as Hash, gasUsed: Number(receipt.gasUsed) }
  return {
    result: {
      hash: mined?.hash ?? null,
      gasUsed: mined?.gasUsed ?? null,
      blockNumber: receipt && Number(receipt.blockNumber),
    },
    afterRows: async (sql) => {
      await sql.query('update relayed_act set gas_used = $2, transaction_hash = $3 where id = $1', [
        job.id,
        mined?.gasUsed ?? null,
        mined?.hash ?? null,
      ])
    },
  }
}
