import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RELEASES } from '../releases.ts'

/** `npm run check -- releases`: Governors of earlier releases of OpenZeppelin, whose packages are installed apart, each with a compiler that it was written
 *  for. The index is compared with their contracts (`test/releases.test.ts`). */
export async function checkReleases(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'openzeppelin-releases-'))
  try {
    for (const { name, version, compiler } of RELEASES) {
      await mkdir(join(folder, name))
      const packages = [`@openzeppelin/contracts@${version}`, `solc@${compiler}`]
      const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
      execFileSync('npm', ['install', ...quiet, '--prefix', join(folder, name), ...packages], { stdio: 'inherit' })
    }
    execFileSync('npx', ['vitest', 'run', 'test/releases.test.ts'], {
      stdio: 'inherit',
      env: { ...process.env, OPENZEPPELIN_RELEASES: folder },
    })
    const governors = Object.fromEntries(RELEASES.map(({ version, governors }) => [version, governors]))
    console.log(JSON.stringify({ check: 'releases', ok: true, governors }))
    return true
  } catch (error) {
    console.log(JSON.stringify({ check: 'releases', ok: false, reason: (error as Error).message }))
    return false
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
