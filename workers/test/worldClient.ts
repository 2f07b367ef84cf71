import { toHex } from 'viem'
import type { HDAccount } from 'viem/accounts'
import type { World } from '#contracts/test/world.ts'
import type { Database } from '#schema/database.ts'
import { must } from '#test/must.ts'
import { type ChainClient, openChainClient } from '../chain.ts'
import { silent } from './testWorker.ts'

/** A worker's access to a test's contracts, with the key of one of its accounts. */
export const openWorldClient = (
  { anvil, deployment }: Pick<World, 'anvil' | 'deployment'>,
  account: HDAccount,
  db: Database,
): Promise<ChainClient> =>
  openChainClient({
    rpcUrl: anvil.url,
    deployment,
    operatorKey: toHex(must(account.getHdKey().privateKey)),
    db,
    log: silent,
    pollMs: 20,
  })
