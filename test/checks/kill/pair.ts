import { type Books, bookDifferences, readBooks } from '../faults/books.ts'
import { moneyFaults, untilClaimsPosted } from '../faults/oracle.ts'
import { waitFor } from '../faults/serviceProcess.ts'
import { roundOf, type Victim } from './plan.ts'
import { playEpoch } from './playEpoch.ts'
import { openServingSystem, type ServingSystem } from './system.ts'
import { killInTime } from './victims.ts'

/** Two systems with the same life; the parts of one of them are killed. */
export interface Pair {
  calm: ServingSystem
  killed: ServingSystem
  /** Stops both; keeps the files of the one with kills if `keep`. */
  close(keep: boolean): Promise<void>
}

/** What an epoch leaves behind without kills, and the time that it takes. */
export interface CalmEpoch {
  seed: number
  epoch: number
  books: Books
  ms: number
}

export interface KilledEpoch {
  killed: Victim[]
  /** What differs from the calm one, or does not add up. */
  found: string[]
  ms: number
}

/** The time in which everything must be posted and equal, once an epoch is over. */
const RECOVERY_MS = 300_000

export async function openPair(signal: AbortSignal): Promise<Pair> {
  const opened = await Promise.allSettled([openServingSystem(signal), openServingSystem(signal)])
  const [calm, killed] = opened
  if (calm.status === 'fulfilled' && killed.status === 'fulfilled')
    return {
      calm: calm.value,
      killed: killed.value,
      async close(keep) {
        await Promise.all([calm.value.close(false), killed.value.close(keep)])
      },
    }
  for (const one of opened) if (one.status === 'fulfilled') await one.value.close(false)
  throw opened.find((one) => one.status === 'rejected')?.reason
}

/** Plays the round of a seed as the given epoch in the calm system. */
export async function playCalm({ calm }: Pair, seed: number, epoch: number): Promise<CalmEpoch> {
  const began = performance.now()
  await playEpoch(calm, roundOf(seed), epoch)
  const ms = performance.now() - began
  const { db } = calm
  await untilClaimsPosted(db, epoch)
  return { seed, epoch, books: await readBooks(db), ms }
}

/** Plays the same round in the other system, while its parts are killed. */
export async function playKilled({ killed: disturbed }: Pair, calm: CalmEpoch): Promise<KilledEpoch> {
  const round = roundOf(calm.seed)
  const played: KilledEpoch = { killed: [], found: [], ms: 0 }
  const began = performance.now()
  const over = new AbortController()
  try {
    const kills = killInTime(disturbed, round.kills, calm.ms, over.signal)
    kills.catch(() => {}) // told when the epoch awaits it
    await playEpoch(disturbed, round, calm.epoch, kills)
    played.killed = await kills
    played.found.push(...(await differencesFrom(calm, disturbed)))
  } catch (error) {
    played.found.push(`the epoch with kills ended: ${(error as Error).message}`)
  } finally {
    over.abort()
  }
  played.ms = performance.now() - began
  return played
}

async function differencesFrom({ books }: CalmEpoch, { db, system }: ServingSystem): Promise<string[]> {
  let differences: string[] = []
  const equal = async () => {
    differences = bookDifferences(books, await readBooks(db))
    return differences.length === 0
  }
  await waitFor('The books are those of the calm system', RECOVERY_MS, equal).catch(() => {})
  return [...differences, ...(await moneyFaults({ db, servers: system }))]
}
