import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

/** What each folder may import besides itself: folders, or files in them. ARCHITECTURE.md says why. */
const MAY_IMPORT: Record<string, string[]> = {
  math: [],
  rules: ['math'],
  screening: ['rules'],
  engine: ['math'],
  contracts: [],
  schema: ['rules'],
  indexer: ['schema', 'rules', 'contracts'],
  epochs: ['schema', 'rules', 'contracts'],
  graphql: ['schema', 'rules', 'epochs'],
  gateway: ['schema', 'rules', 'graphql'],
  workers: ['math', 'schema', 'rules', 'screening', 'epochs', 'engine', 'contracts'],
  client: ['contracts/generated', 'contracts/events.ts', 'rules'],
  model: ['schema', 'rules', 'screening', 'engine', 'client'],
  dashboards: ['client', 'model'],
  // Its people have the client and the folders of models. Their dice, means and the comparison of texts are those of the system, so that there is one of each.
  example: ['client', 'model', 'math', 'rules/shingles.ts'],
  'example/base': ['example', 'math', 'engine'],
  cli: [
    'math',
    'schema',
    'rules',
    'screening',
    'epochs',
    'engine',
    'contracts',
    'indexer',
    'graphql',
    'gateway',
    'workers',
    'client',
    'model',
    'dashboards',
    'example',
    'config.ts',
  ],
}

const root = resolve(import.meta.dirname, '..')
const folderOf = (path: string) => (path.startsWith('example/base/') ? 'example/base' : path.replace(/\/.*/, ''))
const isTest = (file: string) => /\.test\.tsx?$|(^|\/)test\//.test(file)

async function sources(folder: string): Promise<string[]> {
  const found = await readdir(join(root, folder), { recursive: true, withFileTypes: true })
  return found
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((file) => !file.includes('node_modules') && !file.startsWith('dashboards/dist'))
}

/** What a file imports, type imports too. */
function specifiersOf(text: string): string[] {
  const pattern =
    /\b(?:import|export)\s+(?:type\s+)?(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g
  const code = text.replace(/^\s*\*.*$/gm, '') // examples in doc comments are not imports
  return [...code.matchAll(pattern)].map(([, declared, dynamic]) => declared ?? dynamic ?? '')
}

/** Files of ours that `file` imports, as paths from the root. */
function importsOf(file: string, text: string): string[] {
  const targets: string[] = []
  for (const specifier of specifiersOf(text)) {
    if (specifier === '#config') targets.push('config.ts')
    else if (specifier.startsWith('#')) targets.push(specifier.slice(1))
    else if (specifier.startsWith('.')) targets.push(relative(root, resolve(root, dirname(file), specifier)))
  }
  return targets
}

/** The imports of each file that is no test. */
async function imports() {
  const edges = new Map<string, string[]>()
  for (const folder of Object.keys(MAY_IMPORT).filter((one) => existsSync(join(root, one))))
    for (const file of await sources(folder))
      if (!isTest(file)) edges.set(file, importsOf(file, await readFile(join(root, file), 'utf8')))
  return edges
}

test('each folder imports only what its row in ARCHITECTURE.md allows', async () => {
  const wrong: string[] = []
  for (const [file, targets] of await imports()) {
    const folder = folderOf(file)
    for (const target of targets) {
      const may = MAY_IMPORT[folder]?.some((one) => target === one || target.startsWith(`${one}/`))
      if (folderOf(target) !== folder && !may) wrong.push(`${file} imports ${target}`)
    }
  }
  expect(wrong).toEqual([])
})

/** What the client may import from outside; building it needs more. */
const CLIENT_PACKAGES = /^(viem(\/.*)?|gql\.tada|node:.*)$/

test('the client imports viem and its typed documents from outside, and nothing else', async () => {
  const found = new Set<string>()
  for (const file of await sources('client'))
    if (!isTest(file) && file !== 'client/build.ts')
      for (const specifier of specifiersOf(await readFile(join(root, file), 'utf8')))
        if (!/^[#.]/.test(specifier) && !CLIENT_PACKAGES.test(specifier)) found.add(`${file} imports ${specifier}`)
  expect([...found]).toEqual([])
})

test('there is no import cycle, not even of types', async () => {
  const edges = await imports()
  const state = new Map<string, 'open' | 'done'>()
  const cycles: string[] = []
  const visit = (file: string, path: string[]) => {
    if (state.get(file) === 'done' || !edges.has(file)) return
    if (state.get(file) === 'open') {
      cycles.push([...path.slice(path.indexOf(file)), file].join(' → '))
      return
    }
    state.set(file, 'open')
    for (const target of edges.get(file) ?? []) visit(target, [...path, file])
    state.set(file, 'done')
  }
  for (const file of edges.keys()) visit(file, [])
  expect(cycles).toEqual([])
})

test('imports are read in every form', () => {
  const text = `import a from './a.ts'\nimport type { B } from '#rules/b.ts'\nexport * from '../c.ts'\nconst d = await import('./d.ts')\nimport './e.ts'\nimport x from 'pg'\n/**\n * import { F } from './f.ts'\n */`
  expect(importsOf('schema/x.ts', text)).toEqual(['schema/a.ts', 'rules/b.ts', 'c.ts', 'schema/d.ts', 'schema/e.ts'])
})
