import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { embeddedChainFiles } from '#cli/configuredChain.ts'
import { dumpFileOf } from '#contracts/chainState.ts'
import { waitFor } from '../faults/serviceProcess.ts'
import type { PlannedKill, Victim } from './plan.ts'
import type { ServingSystem } from './system.ts'

const PATIENCE_MS = 60_000

/** Kills the processes at their moments, `usualMs` being the time that the round takes without kills, until `over` is aborted.
 *  @returns what was killed. */
export async function killInTime(
  serving: ServingSystem,
  kills: readonly PlannedKill[],
  usualMs: number,
  over: AbortSignal,
): Promise<Victim[]> {
  const began = performance.now()
  const killed: Victim[] = []
  for (const { victim, at } of kills) {
    const left = at * usualMs - (performance.now() - began)
    await sleep(Math.max(0, left), undefined, { signal: over }).catch(() => {})
    if (over.aborted) break
    await killProcess(serving, victim)
    killed.push(victim)
  }
  return killed
}

/** `kill -9` of one part; the system starts it again by itself. */
export async function killProcess({ home, system }: ServingSystem, victim: Victim): Promise<void> {
  if (victim === 'anvil') await untilStateWritten(dumpFileOf(embeddedChainFiles(home).stateFile))
  const files = { postgres: join(home, 'postgres/data/postmaster.pid'), anvil: embeddedChainFiles(home).pidFile }
  let pid: number | undefined
  await waitFor(`${victim} runs`, PATIENCE_MS, async () => {
    if (victim === 'postgres' || victim === 'anvil')
      pid = Number((await readFile(files[victim], 'utf8').catch(() => '')).split('\n')[0]) || undefined
    else pid = system.services[victim].pid
    return pid !== undefined
  })
  try {
    process.kill(pid as number, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error // it died by itself a moment ago
  }
}

/** Waits until anvil has written its state, whole. A node keeps what it calls final; anvil keeps what it has written, every few seconds. So that it
 *  loses no final block, it is killed just after that. */
async function untilStateWritten(dumpFile: string): Promise<void> {
  const writtenAt = async () => (await stat(dumpFile).catch(() => undefined))?.mtimeMs ?? 0
  const before = await writtenAt()
  await waitFor('anvil writes its state', PATIENCE_MS, async () => {
    if ((await writtenAt()) === before) return false
    return readFile(dumpFile, 'utf8').then(isWhole, () => false)
  })
}

function isWhole(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
