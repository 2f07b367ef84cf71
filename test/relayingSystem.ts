import { join } from 'node:path'
import { type Hex, parseEther, toHex } from 'viem'
import { type LocalAccount, privateKeyToAccount } from 'viem/accounts'
import { onTestFinished } from 'vitest'
import { type ClientSystem, clientSystem } from '#client/test/clientSystem.ts'
import { devAccount } from '#contracts/anvil.ts'
import { OPERATOR, type World } from '#contracts/test/world.ts'
import { hashKey } from '#graphql/access.ts'
import type { RelayLimits } from '#graphql/context.ts'
import { checkpointsIn, folderObjects, localStore } from '#schema/artifacts/index.ts'
import { ApiKey } from '#schema/offchain/access.ts'
import type { LaneEngines } from '#workers/enginePool.ts'
import { createHandlers } from '#workers/handlers/index.ts'
import { startWorker } from '#workers/index.ts'
import { openRelayer } from '#workers/relay/openRelayer.ts'
import { silent } from '#workers/test/testWorker.ts'
import { FAST_TIMING } from '#workers/test/timing.ts'
import { openWorldClient } from '#workers/test/worldClient.ts'
import { insert } from './factory.ts'

const RELAYER_KEY: Hex = `0x${'7e'.repeat(32)}`
export const RELAYER = privateKeyToAccount(RELAYER_KEY).address
export const RELAY_LIMITS: RelayLimits = {
  ...{ actsPerDay: 50, gasPerAct: 4_000_000, gasPerDay: 40_000_000, totalGasPerDay: 400_000_000 },
}

/** A system with keys whose worker relays. Each account has a key of the API. */
export interface RelayingSystem extends ClientSystem {
  limits: RelayLimits
  /** The header with the key of an account. */
  keyOf(account: Hex, role?: ApiKey['role']): Promise<string>
  /** The transactions of the relayer that were mined. */
  sent(): Promise<number>
  /** Gives gOPEN to a new account, which has no native tokens. */
  person(nth: number, gOpen?: bigint): Promise<LocalAccount>
}

export async function relayingSystem(
  atEnd: (stop: () => Promise<void>) => void = onTestFinished,
  over: Partial<RelayLimits> = {},
  page: { web?: string } = {},
): Promise<RelayingSystem> {
  const limits = { ...RELAY_LIMITS, ...over }
  const system = await clientSystem(atEnd, { auth: 'keys', relay: limits, ...page })
  const { world, db, queues, folder } = system
  const { deployment, anvil } = world
  await setNative(world, RELAYER, parseEther('10'))
  const relayer = await openRelayer({
    ...{ rpcUrl: anvil.url, deployment, db, log: silent, pollMs: 10 },
    ...{ relayerKey: RELAYER_KEY, maxGas: BigInt(limits.gasPerAct) },
  })
  const objects = folderObjects(join(folder, 'artifacts'))
  const worker = await startWorker({
    ...{ db, queues, log: silent, device: 'cpu', timing: { ...FAST_TIMING, maxWaits: 1_000 } },
    artifacts: localStore(join(folder, 'artifacts')),
    chain: await openWorldClient(world, OPERATOR, db),
    handlers: createHandlers({
      engines: { lane: () => undefined } as unknown as LaneEngines, // what is relayed runs no model
      cache: join(folder, 'cache'),
      deployment,
      journal: { append: async () => undefined as never },
      relayer,
    }),
    slots: { infer: 0, attribute: 0, training: 0, chain: 1, recourse: 0, relay: 2 },
    checkpoints: join(folder, 'checkpoints'),
    checkpointStore: checkpointsIn(objects),
  })
  atEnd(() => worker.stop())
  return {
    ...system,
    limits,
    async keyOf(account, role = 'Consumer') {
      const key = `mc_${role}_${account}`
      const id = hashKey(key)
      if (!(await db.query('select 1 from api_key where id = $1', [id])).rowCount)
        await insert(db, ApiKey, { id, account: account.toLowerCase(), role })
      return key
    },
    sent: () => world.client.getTransactionCount({ address: RELAYER }),
    async person(nth, gOpen = 0n) {
      const account = devAccount(100 + nth)
      if (gOpen > 0n) await world.send(OPERATOR, 'GOpen', 'transfer', [account.address, gOpen])
      return account
    },
  }
}

export const setNative = (world: World, account: Hex, wei: bigint) =>
  world.rpc('anvil_setBalance', [account, toHex(wei)])
