import { execFileSync } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

/** How a program is loaded: never one of older sources, wherever its text came from, and also where nothing can be kept. */

const ROOT = join(import.meta.dirname, '..')

/** A project with the same `bin/` and one program, whose part is `said` on another file. */
async function project(said: string) {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-load-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await chmod(folder, 0o755)
  await cp(join(ROOT, 'bin'), join(folder, 'bin'), { recursive: true })
  await cp(join(ROOT, 'tsconfig.json'), join(folder, 'tsconfig.json'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module", "imports": { "#part/*": "./part/*" } }')
  await mkdir(join(folder, 'node_modules'))
  for (const name of ['esbuild', 'tsx', '@esbuild', 'get-tsconfig'])
    await symlink(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name)).catch(() => {})
  const others = join(folder, 'node_modules/part-of-others')
  await mkdir(others)
  await writeFile(
    join(others, 'package.json'),
    '{ "name": "part-of-others", "exports": { "./list.json": "./list.json" } }',
  )
  await writeFile(join(others, 'list.json'), '["!"]')
  await mkdir(join(folder, 'part'))
  const say = (text: string) => writeFile(join(folder, 'part/said.ts'), `export const said: string = '${text}'\n`)
  await say(said)
  await writeFile(
    join(folder, 'part/main.ts'),
    `import { said } from '#part/said.ts'
import list from 'part-of-others/list.json'
const { later } = await import('./later.ts')
console.log([said + list[0], later(), import.meta.filename, ...process.argv.slice(1)].join(' '))\n`,
  )
  await writeFile(
    join(folder, 'part/later.ts'),
    `export class Later {}\nexport const later = (): string => Later.name + (new Error('a').stack ?? '').match(/later\\.ts:\\d+/)\n`,
  )
  const run = (...args: string[]) =>
    execFileSync(process.execPath, [join(folder, 'bin/run.js'), 'part/main.ts', ...args], { encoding: 'utf8' }).trim()
  return { folder, say, run, cache: join(folder, 'node_modules/.cache/modelcommons/part-main-ts') }
}

const bundles = async (cache: string) => (await readdir(cache)).filter((name) => name.startsWith('bundle-')).length

test('a program runs as its sources are now; it is bundled once for each state of them', async () => {
  const { folder, say, run, cache } = await project('one')
  const main = join(folder, 'part/main.ts')
  const expected = (said: string) => `${said}! Laterlater.ts:2 ${main} ${main} with arguments`
  for (const _ of [1, 2]) expect(run('with', 'arguments')).toBe(expected('one'))
  expect(await bundles(cache)).toBe(1)
  await say('two')
  expect(run('with', 'arguments')).toBe(expected('two'))
  expect(await bundles(cache)).toBe(2)
  await say('two') // the same text with another time, as after a copy
  expect(run('with', 'arguments')).toBe(expected('two'))
  expect(await bundles(cache)).toBe(2)
})

test('a bundle of another folder, or one that is damaged, is not used', async () => {
  const { folder, run, cache } = await project('here')
  run()
  await writeFile(join(cache, 'bundle.json'), '{"root": ')
  expect(run()).toMatch(/^here! /)
  const copy = `${folder}-copy`
  onTestFinished(() => rm(copy, { recursive: true, force: true }))
  await cp(folder, copy, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true })
  await writeFile(join(copy, 'part/said.ts'), `export const said = 'copy'\n`)
  expect(execFileSync(process.execPath, [join(copy, 'bin/run.js'), 'part/main.ts'], { encoding: 'utf8' })).toMatch(
    new RegExp(`^copy! .*${copy}/part/main.ts`),
  )
})

test('where nothing can be kept, and where a source cannot be bundled, the program is loaded as it is', async () => {
  const { folder, run } = await project('anyway')
  await writeFile(join(folder, 'node_modules/.cache'), 'in the way')
  expect(run()).toMatch(/^anyway! Laterlater\.ts:2 /)
  await writeFile(join(folder, 'part/said.ts'), 'export const said = = 1\n')
  expect(run).toThrow(/part\/said\.ts:1/)
})
