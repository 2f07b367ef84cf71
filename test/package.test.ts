import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { VERSION } from '#schema/version.ts'
import { must } from './must.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..')

/** An empty folder with the package as npm would unpack it, beside this project's dependencies. */
async function installed() {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-package-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: root })
  await run('tar', ['-xzf', must(stdout.trim().split('\n').at(-1))], { cwd: folder })
  const modules = join(folder, 'node_modules')
  await mkdir(modules)
  for (const name of await readdir(join(root, 'node_modules')))
    if (!name.startsWith('.')) await symlink(join(root, 'node_modules', name), join(modules, name))
  await rename(join(folder, 'package'), join(modules, 'modelcommons'))
  return { folder, program: join(modules, 'modelcommons/bin/modelcommons.js'), files: join(modules, 'modelcommons') }
}

test('the packed program runs in an empty folder, and the package has no tests', async () => {
  const { folder, program, files } = await installed()
  const { PATH = '', HOME = '' } = process.env
  const execute = (...args: string[]) =>
    run(process.execPath, [program, ...args], { cwd: folder, env: { PATH, HOME, PORT: '0' } })
  expect((await execute('--version')).stdout.trim()).toBe(VERSION)
  expect((await execute('--help')).stdout).toContain('backup')
  expect((await execute('doctor')).stdout).toContain('Everything is in order.')
  await execute('models', 'list')
  const packed = (await readdir(files, { recursive: true })).filter((name) => !name.startsWith('node_modules'))
  expect(packed).toEqual(expect.arrayContaining(['CHANGELOG.md', 'LICENSE', 'README.md', 'example/base']))
  expect(packed.filter((name) => /\.test\.ts$|(^|\/)test(\/|$)/.test(name))).toEqual([])
  expect(dirname(program)).toContain('node_modules')
})
