import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as client from '#client/index.ts'
import { clientSystem } from '#client/test/clientSystem.ts'

/** The examples in docstrings (`@example` with a fenced `ts` block) and in engine/README.md. Each is a module that runs by
 *  itself and contains an assertion. They are type-checked together and run in one child process. Those of the client meet a real system: its
 *  address takes the place of the one that they name. */

const FOLDERS = ['engine', 'rules', 'math', 'client']
const GUIDES = ['engine/README.md']
/** Fewer examples than this mean that the extraction is broken or that examples were lost. */
const MIN_EXAMPLES = 130
/** The address of the API in the examples of the client. */
const API = 'http://127.0.0.1:4000'

/** A function that a module exports, as a declaration or as a constant: no table, no query. */
const EXPORTED_FUNCTION = /^export (?:async )?(?:function|const) (\w+)\b(?! = (?:\{|graphql\())/gm

interface Example {
  /** `file: symbol`. */
  name: string
  code: string
}

const root = resolve(import.meta.dirname, '..')

/** Examples in the docstrings of a module. */
function examplesOf(file: string, text: string): Example[] {
  const found: Example[] = []
  for (const { 0: comment, index } of text.matchAll(/\/\*\*[\s\S]*?\*\//g)) {
    if (!comment.includes('@example')) continue
    const next = text.slice(index + comment.length)
    const symbol =
      /^\s*(?:export\s+)?(?:default\s+|async\s+|abstract\s+)*(?:function|class|const|interface|type)\s+(\w+)/.exec(next)
    const member = /^\s*(?:static\s+|async\s+|readonly\s+|\*\s*)*(\w+)/.exec(next)
    const body = comment.replace(/^ *\* {0,2}/gm, '')
    found.push(...blocksOf(`${file}: ${symbol?.[1] ?? member?.[1] ?? 'unknown'}`, body))
  }
  return found
}

/** The fenced `ts` blocks of a text. */
const blocksOf = (name: string, text: string): Example[] =>
  Array.from(text.matchAll(/^```ts\n([\s\S]*?)^```/gm), ({ 1: code = '' }, index) => ({
    name: index === 0 ? name : `${name} (${index + 1})`,
    code,
  }))

async function allExamples(): Promise<Example[]> {
  const found: Example[] = []
  for (const folder of FOLDERS.filter((one) => existsSync(join(root, one))))
    for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
      const file = relative(root, join(entry.parentPath, entry.name))
      if (entry.isFile() && file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.includes('node_modules'))
        found.push(...examplesOf(file, await readFile(join(root, file), 'utf8')))
    }
  for (const file of GUIDES) found.push(...blocksOf(file, await readFile(join(root, file), 'utf8')))
  return found.sort((a, b) => (a.name < b.name ? -1 : 1))
}

const examples = await allExamples()
let folder = ''
const stops: (() => Promise<void>)[] = []
const moduleOf = (index: number) => join(folder, `example${index}.ts`)

beforeAll(async () => {
  // Inside the repository, so that `#engine/…` resolves; Git, TypeScript and the linter ignore this folder.
  await mkdir(join(root, '.modelcommons'), { recursive: true })
  folder = await mkdtemp(join(root, '.modelcommons', 'examples-'))
  const { url } = await clientSystem((stop) => stops.unshift(stop))
  await Promise.all(examples.map(({ code }, index) => writeFile(moduleOf(index), code.replaceAll(API, url))))
})

afterAll(async () => {
  for (const stop of stops) await stop()
  await rm(folder, { recursive: true, force: true })
})

/** The output of a program, whether it succeeds or not. */
const outputOf = (args: readonly string[]): Promise<string> =>
  promisify(execFile)(process.execPath, args, { cwd: root, maxBuffer: 1 << 24 }).then(
    ({ stdout }) => stdout,
    (error: { stdout: string; stderr: string }) => error.stdout + error.stderr,
  )

test('there are as many examples as there should be, and each contains an assertion', () => {
  expect(examples.length).toBeGreaterThanOrEqual(MIN_EXAMPLES)
  expect(examples.filter(({ code }) => !code.includes('assert')).map(({ name }) => name)).toEqual([])
})

test('every verb of the client is in a file of its name, and has an example', async () => {
  const folder = join(root, 'client/acts')
  const files = (await readdir(folder)).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  const verbs: string[] = []
  for (const file of files)
    for (const [, name = ''] of (await readFile(join(folder, file), 'utf8')).matchAll(EXPORTED_FUNCTION))
      if (Object.hasOwn(client, name)) verbs.push(`client/acts/${file}: ${name}`)
  expect(verbs.length).toBeGreaterThan(40)
  expect(verbs.filter((verb) => !/(\w+)\.ts: \1$/.test(verb))).toEqual([])
  const shown = new Set(examples.map(({ name }) => name))
  expect(verbs.filter((verb) => !shown.has(verb))).toEqual([])
})

test('whatever the client reads has an example, too', async () => {
  const folder = join(root, 'client/reads')
  const reads: string[] = []
  for (const file of await readdir(folder))
    for (const [, name = ''] of (await readFile(join(folder, file), 'utf8')).matchAll(EXPORTED_FUNCTION))
      if (Object.hasOwn(client, name)) reads.push(`client/reads/${file}: ${name}`)
  expect(reads.length).toBeGreaterThan(15)
  const shown = new Set(examples.map(({ name }) => name))
  expect(reads.filter((one) => !shown.has(one))).toEqual([])
})

test('every example runs', async () => {
  const runner = join(folder, 'run.ts')
  await writeFile(
    runner,
    `const failures: string[] = []
for (const { name, module } of JSON.parse(process.argv[2] ?? '[]'))
  await import(module).catch((error) => failures.push(name + '\\n' + (error?.stack ?? error)))
process.stdout.write('RESULT' + JSON.stringify(failures), () => process.exit(0))
`,
  )
  const list = examples.map(({ name }, index) => ({ name, module: moduleOf(index) }))
  const output = await outputOf(['--import', 'tsx', runner, JSON.stringify(list)])
  const [, result] = output.split('RESULT')
  expect(result, output).toBe('[]')
})

test('every example passes the type checker', async () => {
  const config = { extends: join(root, 'tsconfig.json'), include: ['example*.ts'], exclude: [] }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const output = await outputOf([join(root, 'node_modules/typescript/bin/tsc'), '--noEmit', '-p', folder])
  const inExamples = output.split('\n').filter((line) => line.includes('example'))
  const named = inExamples.map((line) =>
    line.replace(/\S*example(\d+)\.ts/, (module, index) => examples[Number(index)]?.name ?? module),
  )
  expect(named).toEqual([])
})

test('examples are found by their symbol', () => {
  const text = `
/** Nothing here. */
export const a = 1
/**
 * Adds.
 *
 * @example
 * \`\`\`ts
 * const x = 1
 *
 * if (x) throw x
 * \`\`\`
 */
export async function add() {}`
  expect(examplesOf('x.ts', text)).toEqual([{ name: 'x.ts: add', code: 'const x = 1\n\nif (x) throw x\n' }])
})
