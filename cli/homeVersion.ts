import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError } from '#config'
import { VERSION } from '#schema/version.ts'

/** The file of a home folder that names the release which used it last. Folders of before 0.2.0 have none. */
const fileOf = (home: string) => join(home, 'version')

/** The file of a home folder that names the backup which is being restored there. */
const restoringFile = (home: string) => join(home, 'restoring')

/** Marks the folder as incomplete until `markRestored`: a restore that is killed leaves a database and a chain of different times.
 *  @returns whether it was marked already. */
export async function markRestoring(home: string, backup: string): Promise<boolean> {
  const marked = existsSync(restoringFile(home))
  await writeFile(restoringFile(home), `${backup}\n`)
  return marked
}

export const markRestored = (home: string): Promise<void> => rm(restoringFile(home), { force: true })

/** @throws ConfigError when a newer release has used the folder: its files may have a form that this release would damage; or when a restore
 *  into it did not end. */
export async function requireUsableHome(home: string): Promise<void> {
  const backup = (await readFile(restoringFile(home), 'utf8').catch(() => '')).trim()
  if (backup)
    throw new ConfigError(
      `MODELCOMMONS_HOME: a restore into ${home} did not end. Run \`modelcommons restore ${backup} --force\`, or set MODELCOMMONS_HOME to another folder.`,
    )
  const used = (await readFile(fileOf(home), 'utf8').catch(() => '')).trim()
  if (used && isNewer(used, VERSION))
    throw new ConfigError(
      `MODELCOMMONS_HOME: release ${used} has used ${home}, and this is ${VERSION}. Use that release or a later one, or set MODELCOMMONS_HOME to another folder.`,
    )
}

/** Marks the folder as upgraded to this release. */
export const markHome = (home: string): Promise<void> => writeFile(fileOf(home), `${VERSION}\n`)

/** Whether release `a` comes after `b`, by major, minor and patch number. */
function isNewer(a: string, b: string): boolean {
  const numbers = (release: string) => release.split(/[.-]/).slice(0, 3).map(Number)
  const [left, right] = [numbers(a), numbers(b)]
  for (const [place, number] of left.entries()) {
    const other = right[place] ?? 0
    if (number !== other) return number > other
  }
  return false
}
