import { createPublicClient, createWalletClient, http, toHex } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { expect, onTestFinished, vi } from 'vitest'
import { DEV_MNEMONIC, rpc, startAnvil } from '#contracts/anvil.ts'
import { deployAll } from '#contracts/deploy.ts'
import { DEMO_SETTINGS, demoHolders } from '#contracts/settings.ts'
import { freshDatabase } from '#test/database.ts'
import { must } from '#test/must.ts'
import { type ChainClientOptions, openChainClient } from '../chain.ts'
import { silent } from './testWorker.ts'

export const deployer = mnemonicToAccount(DEV_MNEMONIC, { addressIndex: 0 })
const SETTLER = 1

/** A chain with the contracts, for the tests of one file, and operators who write to it. */
export async function testNetwork() {
  const anvil = await startAnvil({ accounts: 60 })
  const transport = http(anvil.url)
  const deployment = await deployAll(
    createWalletClient({ account: deployer, transport }),
    createPublicClient({ transport }),
    demoHolders(mnemonicToAccount(DEV_MNEMONIC, { addressIndex: SETTLER }).address),
    DEMO_SETTINGS,
  )
  let accounts = 10

  /** An operator with its own account and database. `settler`: the account that has the operator's roles. */
  const operator = async ({ settler, ...over }: Partial<ChainClientOptions> & { settler?: boolean } = {}) => {
    const account = mnemonicToAccount(DEV_MNEMONIC, { addressIndex: settler ? SETTLER : accounts++ })
    const operatorKey = toHex(must(account.getHdKey().privateKey, 'private key'))
    const db = over.db ?? (await freshDatabase())
    const options: ChainClientOptions = {
      rpcUrl: anvil.url,
      deployment,
      operatorKey,
      db,
      log: silent,
      pollMs: 20,
      ...over,
    }
    const chain = await openChainClient(options)
    return {
      db,
      chain,
      account,
      operatorKey,
      options,
      /** A deposit: the tests count how often it happens. */
      deposit: (key: string, value = 7n, signal?: AbortSignal) =>
        chain.transact(key, { contract: 'GOpen', functionName: 'deposit', args: [], value }, { signal }),
      balance: () => chain.read('GOpen', 'balanceOf', [account.address]),
      rows: async () => (await db.query('select id, nonce, status, error from chain_transaction order by nonce')).rows,
    }
  }

  return {
    anvil,
    deployment,
    operator,
    /** Until the end of the test, blocks are mined only by `mine`. */
    async manually() {
      await rpc(anvil.url, 'evm_setAutomine', [false])
      onTestFinished(async () => {
        await rpc(anvil.url, 'evm_setAutomine', [true])
        await rpc(anvil.url, 'evm_mine')
      })
    },
    /** Waits until the pool has this number of pending transactions. */
    waiting: (count: number) =>
      vi.waitFor(async () => expect(await rpc(anvil.url, 'txpool_status')).toMatchObject({ pending: toHex(count) }), {
        timeout: 5000,
      }),
    mine: (blocks = 1) => rpc(anvil.url, 'anvil_mine', [toHex(blocks)]),
  }
}
export type TestNetwork = Awaited<ReturnType<typeof testNetwork>>
