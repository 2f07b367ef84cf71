import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { PROGRAM } from './host.ts'

/** The first commit with the present contracts, from which a rolling upgrade must work. Releases have others. */
export const RELEASE_BEFORE = '2112eb4'

/** Writes the files of a commit into `folder`, with its dependencies: those of the working tree where they have the same versions, else
 *  installed anew. @returns the folder. */
export function checkOutRelease(ref: string, folder: string): string {
  mkdirSync(folder, { recursive: true })
  const files = execFileSync('git', ['archive', '--format=tar', ref], { cwd: PROGRAM, maxBuffer: 1 << 30 })
  execFileSync('tar', ['-x', '-C', folder], { input: files })
  const { dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>
  }
  const same = Object.entries(dependencies).every(([name, version]) => installedVersion(name) === version)
  if (same) symlinkSync(join(PROGRAM, 'node_modules'), join(folder, 'node_modules'))
  else execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'ignore' })
  return folder
}

function installedVersion(name: string): string | undefined {
  const file = join(PROGRAM, 'node_modules', name, 'package.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version : undefined
}
