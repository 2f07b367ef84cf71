import { execFileSync } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NODE_22 } from './node22.ts'

/** `npm run check -- clients`: the programs of `docs/examples/`, each with the unmodified client that it is for, against a real system. The clients, and the
 *  Node 22 that some of them need, are installed apart; Python’s, where there is a Python. */

const EXAMPLES = join(import.meta.dirname, '../../docs/examples')

/** @returns whether each example does what it says. */
export async function checkClients(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'clients-'))
  try {
    await cp(EXAMPLES, folder, { recursive: true })
    const options = { cwd: folder, stdio: 'inherit' } as const
    const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
    execFileSync('npm', ['install', ...quiet, '--no-save', ...NODE_22], options)
    const hasPython = installPython(folder)
    execFileSync('npx', ['vitest', 'run', 'test/clients.test.ts'], {
      stdio: 'inherit',
      env: { ...process.env, EXAMPLE_CLIENTS: folder },
    })
    console.log(JSON.stringify({ check: 'clients', ok: true, python: hasPython }))
    return true
  } catch (error) {
    console.log(JSON.stringify({ check: 'clients', ok: false, reason: (error as Error).message }))
    return false
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function installPython(folder: string): boolean {
  try {
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--target', join(folder, 'python')]
    execFileSync('python3', [...pip, 'openai'], { stdio: 'inherit' })
    return true
  } catch {
    console.log('Python’s client was not installed: its example does not run.')
    return false
  }
}
