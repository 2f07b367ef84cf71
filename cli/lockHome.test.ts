import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '#workers/test/testWorker.ts'
import { lockHome } from './lockHome.ts'

async function lockedBy(...command: string[]) {
  const home = await temporaryFolder()
  const child = spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1000)', ...command])
  onTestFinished(() => void child.kill('SIGKILL'))
  await writeFile(join(home, 'running.pid'), `${child.pid}\n`)
  return home
}

test('a home that a running ModelCommons uses is refused with its process', async () => {
  await expect(lockHome(await lockedBy('bin/modelcommons.js'))).rejects.toThrow(
    /^ModelCommons is already running here \(process \d+, /,
  )
})

test.runIf(existsSync('/proc/self/cmdline'))(
  'a lock whose process id belongs to another program now is taken over',
  async () => {
    const release = await lockHome(await lockedBy())
    await release()
  },
)
