import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const FOLDER = join(import.meta.dirname, 'exports')

/** What reads the documents about a version. */
const LIBRARIES = ['mlcroissant==1.1.1', 'openlineage-python==1.54.0', 'prov==3.2.3', 'huggingface_hub==2.4.0']

/** Parses the recorded documents about a version with the Python libraries that others use, and records the verdict. It needs Python 3.10 or later and the
 *  network. */
export async function checkExports(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-exports-'))
  try {
    await run('python3', ['-m', 'venv', join(folder, 'venv')])
    const python = join(folder, 'venv', 'bin', 'python')
    await run(python, ['-m', 'pip', 'install', '--quiet', ...LIBRARIES])
    const { stdout } = await run(python, [join(FOLDER, 'parse.py'), join(FOLDER, 'recorded'), folder])
    await writeFile(join(FOLDER, 'recorded', 'verdict.json'), stdout)
    console.log(stdout)
    return true
  } catch (error) {
    const { stdout, stderr, message } = error as Error & { stdout?: string; stderr?: string }
    console.error(stdout || '', stderr || message)
    return false
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
