import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEther, zeroHash } from 'viem'
import { openLog } from '#cli/log.ts'
import { type System, startSystem } from '#cli/system.ts'
import { channelWith, deposit, grant, wrap } from '#client/index.ts'
import { readConfig } from '#config'
import { exampleAccount } from '#example/accounts.ts'
import { SCALES } from '#example/recipe.ts'
import { openStory, type StoryContext } from '#example/story/context.ts'
import { gatherStage } from '#example/story/gather.ts'
import { proposeStage } from '#example/story/propose.ts'
import { openTriageEndpoint } from '#example/story/serve.ts'
import type { Evaluated } from '#example/story/steward.ts'
import { type ChannelPlace, channelConfig, channelId, type MarketPlace } from '#rules/channel.ts'
import { type Database, openDatabase } from '#schema/database.ts'
import { ApiClient } from '../apiClient.ts'
import { openPatientChain, type PatientChain } from './chain.ts'
import { CONSUMERS } from './plan.ts'

/** A whole system as `modelcommons up` starts it, with a model that is served and consumers who have paid for many calls. */
export interface ServingSystem {
  home: string
  system: System
  db: Database
  api: ApiClient
  chain: PatientChain
  endpointId: string
  /** Stops everything; deletes the files unless `keep`. */
  close(keep: boolean): Promise<void>
}

const MODEL_SEED = 7
/** For this time people wait for an API whose parts are killed. */
const PATIENCE_MS = 300_000
const CREDIT = parseEther('400')
/** What a consumer can deposit in all. */
const WEALTH = parseEther('900')

export async function openServingSystem(signal: AbortSignal): Promise<ServingSystem> {
  process.env.LOG_LEVEL ??= 'silent' // the services inherit it
  const home = await mkdtemp(join(tmpdir(), 'modelcommons-kill-'))
  await chmod(home, 0o755) // the database server may run as another user
  const config = readConfig({ MODELCOMMONS_HOME: home, MODELCOMMONS_DEVICE: 'cpu', PORT: '0', LOG_LEVEL: 'silent' })
  const system = await startSystem(config, openLog('kill', config), signal)
  const db = await openDatabase(system.databaseUrl, { name: 'kill check', max: 2 })
  const close = async (keep: boolean) => {
    await db.close().catch(() => {})
    await system.stop()
    if (!keep) await rm(home, { recursive: true, force: true })
  }
  try {
    const context = await openStory({
      seed: MODEL_SEED,
      recipe: { ...SCALES.small, samples: 0.05 },
      url: system.url,
      rpcUrl: system.rpcUrl,
      signal,
      patienceMs: PATIENCE_MS,
      say: () => {},
    })
    const endpointId = await serveModel(context)
    const chain = openPatientChain(system.rpcUrl, system.deployment)
    const serving = { home, system, db, api: new ApiClient(context.as('platform')), chain, endpointId, close }
    for (let nth = 0; nth < CONSUMERS; nth++) {
      const consumer = context.as('consumer', nth)
      await wrap(consumer, WEALTH)
      await deposit(consumer, { endpointId: BigInt(endpointId), amount: CREDIT })
      await grant(consumer, { channelId: (await channelWith(consumer, BigInt(endpointId))).id, ceiling: CREDIT })
      // For the deposits of the check itself.
      await chain.send(exampleAccount('consumer', nth), 'GOpen', 'approve', [chain.addresses.InferenceMarket, WEALTH])
    }
    return serving
  } catch (error) {
    await close(true)
    throw error
  }
}

async function serveModel(context: StoryContext): Promise<string> {
  const { modelId } = await proposeStage(context)
  const { done } = await gatherStage(context, modelId)
  const live = done<Evaluated>('promote').at(-1)
  if (!live) throw new Error('The steward has promoted no version.')
  return (await openTriageEndpoint(context, live.versionId)).toString()
}

function channelOfConsumer({ chain, system: { deployment }, endpointId }: ServingSystem, nth: number) {
  const host = exampleAccount('platform').address
  const consumer = exampleAccount('consumer', nth).address
  const market: MarketPlace = {
    chainId: chain.chainId,
    market: chain.addresses.InferenceMarket,
    token: chain.addresses.GOpen,
    withdrawalDelay: deployment.settings.withdrawalDelay,
  }
  const place: ChannelPlace = { endpointId: BigInt(endpointId), host, consumer, key: consumer, salt: zeroHash }
  return { market, place }
}

/** All that was ever deposited in the channel of a consumer: its balance and what was redeemed. */
export async function deposited(serving: ServingSystem, nth: number): Promise<bigint> {
  const { market, place } = channelOfConsumer(serving, nth)
  const [balance, redeemed] = await serving.chain.read('InferenceMarket', 'channels', [channelId(market, place)])
  return balance + redeemed
}

/** @returns the block of the deposit. */
export async function depositMore(serving: ServingSystem, nth: number, amount: bigint): Promise<bigint> {
  const { chain } = serving
  const { market, place } = channelOfConsumer(serving, nth)
  const paid = await chain.send(exampleAccount('consumer', nth), 'InferenceMarket', 'deposit', [
    place.endpointId,
    channelConfig(market, place),
    amount,
  ])
  return paid.blockNumber
}
