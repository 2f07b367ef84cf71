import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { TABLES_OF_A_RELEASE } from './faults/books.ts'
import { PROGRAM, type ServiceKind } from './faults/host.ts'
import { type Installation, openInstallation } from './faults/installation.ts'
import { type LoadSize, playLoad } from './faults/load.ts'
import { judge } from './faults/oracle.ts'
import { checkOutRelease, RELEASE_BEFORE } from './faults/release.ts'
import { undisturbedBooks } from './faults/run.ts'
import { runToEnd } from './faults/serviceProcess.ts'

/** The load lasts longer than the upgrade. */
const SIZE: LoadSize = { epochs: 200, callsEach: 40 }
/** Two of what answers requests. One worker, so that its successor, not another worker, takes the training over. */
const LAYOUT: Readonly<Record<string, readonly ServiceKind[]>> = { a: ['index', 'api', 'worker'], b: ['index', 'api'] }
/** The order in which an operator replaces the services, after the migration (`docs/for-operators.md`). */
const ORDER: readonly ServiceKind[] = ['index', 'api', 'worker']
const LOAD_TIMEOUT_MS = 400_000
/** The part of the training after which the upgrade begins. */
const BEGUN = 0.15

/** `npm run check -- upgrade [--from REF]`: replaces every service of an earlier release by the present one, under load. No answer may fail, no sum
 *  may differ, and the training goes on from its checkpoint. */
export async function checkUpgrade(from = RELEASE_BEFORE): Promise<boolean> {
  const began = performance.now()
  const say = (who: string) => (line: string) =>
    console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(7)} s ${who}: ${line}`)
  const over = AbortSignal.timeout(3 * LOAD_TIMEOUT_MS)
  const expected = await undisturbedBooks(say('undisturbed'), over, SIZE)
  const folder = mkdtempSync(join(tmpdir(), 'modelcommons-release-'))
  const before = checkOutRelease(from, join(folder, 'program'))
  const installation = await openInstallation(LAYOUT, { program: before, redis: false })
  const found: string[] = []
  let answered = 0
  let repeated = 0
  let training: TrainingProgress | undefined
  try {
    const load = playLoad(installation, AbortSignal.timeout(LOAD_TIMEOUT_MS), say('upgrade'), SIZE)
    const upgrade = replaceServices(installation, say('upgrade'))
    const [played, replaced] = await Promise.allSettled([load, upgrade])
    if (played.status === 'fulfilled') ({ answered, repeated } = played.value)
    else found.push(`the load ended: ${(played.reason as Error).message}`)
    if (replaced.status === 'fulfilled') training = replaced.value
    else found.push(`the upgrade ended: ${(replaced.reason as Error).message}`)
    if (training && training.after < training.before)
      found.push(`the training was at ${training.before} before the upgrade, and began again at ${training.after}`)
    found.push(...(await judge(installation, expected, TABLES_OF_A_RELEASE)))
  } finally {
    await installation.close(found.length > 0)
    rmSync(folder, { recursive: true, force: true })
  }
  for (const line of found.slice(0, 20)) console.log(`  ${line}`)
  if (found.length) console.log(`  The logs are in ${installation.folder}.`)
  const seconds = Math.round((performance.now() - began) / 1000)
  const ok = found.length === 0
  console.log(JSON.stringify({ check: 'upgrade', ok, from, answered, repeated, training, found, seconds }))
  return ok
}

interface TrainingProgress {
  before: number
  after: number
}

/** Migrates the database and replaces one service after the other, while the second training runs. @returns its progress before and after its
 *  worker was replaced. */
async function replaceServices({ hosts, db }: Installation, say: (line: string) => void): Promise<TrainingProgress> {
  const progress = async () => {
    const { rows } = await db.query(
      `select progress, stage, status from job_run where idempotency_key like '%load:fineTuneAgain%'`,
    )
    return rows[0] as { progress: number; stage: string; status: string } | undefined
  }
  const until = async (holds: (now: Awaited<ReturnType<typeof progress>>) => boolean) => {
    for (;;) {
      const now = await progress()
      if (now?.status === 'Failed' || now?.status === 'Succeeded')
        throw new Error(`the training ended as ${now.status}`)
      if (now && holds(now)) return now
      await sleep(20)
    }
  }
  await until((now) => (now?.progress ?? 0) > BEGUN)
  await runToEnd(PROGRAM, ['migrate'], { DATABASE_URL: db.url })
  say('the database is migrated')
  const result: TrainingProgress = { before: 0, after: 0 }
  for (const kind of ORDER)
    for (const { services } of hosts.toReversed()) // the standby before the active one
      for (const service of services.filter(({ name }) => name.startsWith(kind))) {
        if (!(await service.stop())) throw new Error(`${service.name} did not end after SIGTERM.`)
        if (kind === 'worker') result.before = (await progress())?.progress ?? 0
        await service.start({ program: PROGRAM })
        say(`${service.name} is replaced`)
        if (kind !== 'worker') continue
        const { before } = result
        // The row keeps the old value until the new worker reports; before its first step it reports that it loads.
        result.after = (await until((now) => now?.stage === 'training' && now.progress !== before)).progress
      }
  return result
}
