import type { Settings } from '#contracts/settings.ts'
import { evaluate, lockVotes, mandate, version } from '#contracts/test/mandate.ts'
import { ALICE, ETHER, HOST, OPERATOR, PROPOSER, SETTINGS, startWorld, type World } from '#contracts/test/world.ts'

/** Chains on which attacks are played: each is prepared once, and what an attack does there is undone. */

interface Prepared {
  settings: Partial<Settings>
  prepare(world: World): Promise<void>
}

export const TREASURE = 100n * ETHER
export const TREASURY_SHARE = 10n
/** In percent of a mandate. */
export const DAILY_SPEND = 10n

const WORLDS = {
  /** A model with two endpoints of the host, and a datanet. */
  market: {
    settings: { dailySpendPercent: Number(DAILY_SPEND) },
    async prepare(world: World) {
      const modelId = await mandate(world)
      const versionId = await version(world, modelId, OPERATOR.address)
      await evaluate(world, versionId, OPERATOR.address)
      await world.send(HOST, 'ModelRegistry', 'promote', [versionId])
      for (const name of ['one', 'two'])
        await world.send(HOST, 'InferenceMarket', 'registerEndpoint', [versionId, `https://${name}.example`, 30n, 60n])
      await world.send(PROPOSER, 'DatanetRegistry', 'createDatanet', [modelId, 'CC0-1.0', 0n, 0])
    },
  },
  /** A treasury that some vote about. */
  votes: {
    settings: { proposalThreshold: 0n, treasurySharePercent: Number(TREASURY_SHARE), treasuryPeriod: 86_400 },
    async prepare(world: World) {
      await lockVotes(world, [ALICE])
      await world.send(HOST, 'GOpen', 'transfer', [world.at.Treasury, TREASURE])
    },
  },
} satisfies Record<string, Prepared>

export type WorldName = keyof typeof WORLDS

const open = new Map<WorldName, Promise<World>>()

/** Plays on a chain, and undoes what was played. */
export async function inWorld<T>(name: WorldName, play: (world: World) => Promise<T>): Promise<T> {
  const { settings, prepare }: Prepared = WORLDS[name]
  const opened =
    open.get(name) ??
    startWorld({ ...SETTINGS, ...settings }).then(async (world) => {
      await prepare(world)
      return world
    })
  open.set(name, opened)
  const world = await opened
  return world.undone(() => play(world))
}

/** Ends the chains. */
export async function closeWorlds(): Promise<void> {
  const worlds = await Promise.all(open.values())
  open.clear()
  await Promise.all(worlds.map(({ anvil }) => anvil.stop()))
}

/** By how much `play` changes an account's gOPEN, in wei. */
export async function balanceChange(world: World, account: `0x${string}`, play: () => Promise<unknown>) {
  const before = await world.balance(account)
  await play()
  return (await world.balance(account)) - before
}

/** Whether a call that somebody tries is refused. */
export const isRefused = (tried: Promise<unknown>): Promise<boolean> =>
  tried.then(
    () => false,
    () => true,
  )
