import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

/** The plan of the house: what each folder may import besides itself. ARCHITECTURE.md says why. */
const MAY_IMPORT: Record<string, string[]> = {
  math: [],
  rules: ['math'],
  engine: ['math'],
  contracts: [],
  schema: ['rules'],
  indexer: ['schema', 'rules', 'contracts'],
  graphql: ['schema', 'rules'],
  workers: ['schema', 'rules', 'engine', 'contracts'],
  dashboards: [],
  example: ['math', 'schema', 'rules', 'engine', 'contracts', 'indexer', 'graphql', 'workers'],
  cli: [
    'math',
    'schema',
    'rules',
    'engine',
    'contracts',
    'indexer',
    'graphql',
    'workers',
    'dashboards',
    'example',
    'config.ts',
  ],
}

const root = resolve(import.meta.dirname, '..')
const isTest = (file: string) => /\.test\.tsx?$|(^|\/)test\//.test(file)

async function sources(folder: string): Promise<string[]> {
  const found = await readdir(join(root, folder), { recursive: true, withFileTypes: true })
  return found
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((file) => !file.includes('node_modules') && !file.startsWith('dashboards/dist'))
}

/** Files of ours that `file` imports, as paths from the root; type-only imports are marked. */
function importsOf(file: string, text: string): { target: string; typeOnly: boolean }[] {
  const pattern =
    /\b(?:import|export)\s+(type\s+)?(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g
  const found: { target: string; typeOnly: boolean }[] = []
  for (const match of text.matchAll(pattern)) {
    const specifier = (match[2] ?? match[3]) as string
    if (specifier === '#config') found.push({ target: 'config.ts', typeOnly: Boolean(match[1]) })
    else if (specifier.startsWith('#')) found.push({ target: specifier.slice(1), typeOnly: Boolean(match[1]) })
    else if (specifier.startsWith('.'))
      found.push({ target: relative(root, resolve(root, dirname(file), specifier)), typeOnly: Boolean(match[1]) })
  }
  return found
}

const graph = async () => {
  const edges = new Map<string, { target: string; typeOnly: boolean }[]>()
  for (const folder of Object.keys(MAY_IMPORT).filter((one) => existsSync(join(root, one))))
    for (const file of await sources(folder))
      if (!isTest(file)) edges.set(file, importsOf(file, await readFile(join(root, file), 'utf8')))
  return edges
}

test('each folder imports only what the plan of the house allows', async () => {
  const wrong: string[] = []
  for (const [file, imports] of await graph()) {
    const folder = file.split('/')[0] as string
    for (const { target } of imports) {
      const to = target.split('/')[0] as string
      if (to !== folder && !MAY_IMPORT[folder]?.includes(to)) wrong.push(`${file} imports ${target}`)
    }
  }
  expect(wrong).toEqual([])
})

test('no file imports itself through others', async () => {
  const edges = await graph()
  const state = new Map<string, 'open' | 'done'>()
  const cycles: string[] = []
  const visit = (file: string, path: string[]) => {
    if (state.get(file) === 'done' || !edges.has(file)) return
    if (state.get(file) === 'open') {
      cycles.push([...path.slice(path.indexOf(file)), file].join(' → '))
      return
    }
    state.set(file, 'open')
    for (const { target, typeOnly } of edges.get(file) ?? []) if (!typeOnly) visit(target, [...path, file])
    state.set(file, 'done')
  }
  for (const file of edges.keys()) visit(file, [])
  expect(cycles).toEqual([])
})

test('imports are read in every form', () => {
  const text = `import a from './a.ts'\nimport type { B } from '#rules/b.ts'\nexport * from '../c.ts'\nconst d = await import('./d.ts')\nimport './e.ts'\nimport x from 'pg'`
  expect(importsOf('schema/x.ts', text).map((one) => one.target)).toEqual([
    'schema/a.ts',
    'rules/b.ts',
    'c.ts',
    'schema/d.ts',
    'schema/e.ts',
  ])
})
