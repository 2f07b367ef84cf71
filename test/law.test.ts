import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, posix, resolve } from 'node:path'
import { parseSync } from 'vite'
import { expect, test } from 'vitest'
import { type ContractName, contracts } from '#contracts/events.ts'

/** Every export of `rules/` is used by the product. An export that only tests use is either an oracle of a contract or waits
 *  for an issue that is named here. */

/** Exports of `rules/` that only tests use so far, with what they wait for. The issue that uses one deletes its line. */
const WAITING: Record<string, string> = {}

/** Kinds of ledger facts that nothing posts yet. */
const UNPOSTED_KINDS: Record<string, string> = {}

/** Facts of an epoch that nothing collects yet: they are always empty. */
const EMPTY_FACTS: Record<string, string> = {}

const root = resolve(import.meta.dirname, '..')
const isTest = (file: string) => /\.test\.tsx?$|(^|\/)(test|bench)\//.test(file)

async function sources(folder = ''): Promise<string[]> {
  const files: string[] = []
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    const path = posix.join(folder, entry.name)
    if (entry.isDirectory()) {
      const skipped = entry.name.startsWith('.') || ['node_modules', 'dist', 'generated'].includes(entry.name)
      if (!skipped) files.push(...(await sources(path)))
    } else if (/\.tsx?$/.test(path) && !path.endsWith('.d.ts')) files.push(path)
  }
  return files
}

type SyntaxNode = { type: string; start: number; end: number; [key: string]: unknown }

const isNode = (value: unknown): value is SyntaxNode =>
  typeof value === 'object' && value !== null && typeof (value as SyntaxNode).type === 'string'

function* descendants(node: SyntaxNode): Iterable<SyntaxNode> {
  yield node
  for (const value of Object.values(node))
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) yield* descendants(child)
}

/** The names that a node refers to: names of properties are no references. */
function* references(node: SyntaxNode): Iterable<string> {
  if (node.type === 'Identifier') yield String(node.name)
  for (const [field, value] of Object.entries(node)) {
    if ((field === 'property' || field === 'key') && !node.computed && !node.shorthand) continue
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) yield* references(child)
  }
}

/** A top-level declaration: its name, the identifiers in it, and the comment before it. */
type Declaration = { name: string; exported: boolean; identifiers: Set<string>; doc: string }

/** A module: its declarations, its imports from `rules/` (local name → file and exported name), and its syntax tree. */
type Module = {
  declarations: Declaration[]
  imports: Map<string, { file: string; name: string }>
  nodes: SyntaxNode[]
}

function parse(file: string, text: string): Module {
  const { program, comments } = parseSync(file, text)
  const module: Module = { declarations: [], imports: new Map(), nodes: [] }
  for (const statement of program.body as unknown as SyntaxNode[]) {
    module.nodes.push(...descendants(statement))
    if (statement.type === 'ImportDeclaration') {
      const specifier = String((statement.source as SyntaxNode).value)
      const target = specifier.startsWith('#')
        ? specifier.slice(1)
        : posix.normalize(posix.join(dirname(file), specifier))
      if (!target.startsWith('rules/')) continue
      for (const one of statement.specifiers as { local: { name: string }; imported?: { name: string } }[])
        module.imports.set(one.local.name, { file: target, name: one.imported?.name ?? '*' })
      continue
    }
    const exported = statement.type === 'ExportNamedDeclaration'
    const declaration = exported ? (statement.declaration as SyntaxNode | null) : statement
    if (!declaration) continue
    const before = comments.filter(({ end }) => end <= statement.start).at(-1)
    const doc = before && text.slice(before.end, statement.start).trim() === '' ? before.value : ''
    const identifiers = new Set(references(declaration))
    const named =
      declaration.type === 'VariableDeclaration' ? (declaration.declarations as SyntaxNode[]) : [declaration]
    for (const { id } of named)
      if (isNode(id) && id.type === 'Identifier')
        module.declarations.push({ name: String(id.name), exported, identifiers, doc })
  }
  return module
}

const modules = new Map<string, Module>()
for (const file of await sources()) modules.set(file, parse(file, await readFile(join(root, file), 'utf8')))
const rules = [...modules].filter(([file]) => file.startsWith('rules/') && !isTest(file))
const product = [...modules].filter(([file]) => !file.startsWith('rules/') && !isTest(file))
const key = (file: string, name: string) => `${file.replace('rules/', '')} ${name}`

/** What the given declarations use in `rules/`, directly or through others. */
function reachable(roots: Iterable<{ file: string; name: string }>): Set<string> {
  const found = new Set<string>()
  const open = [...roots]
  for (let next = open.pop(); next; next = open.pop()) {
    const { file, name } = next
    const module = modules.get(file)
    const declaration = module?.declarations.find((one) => one.name === name)
    if (!module || !declaration || found.has(key(file, name))) continue
    found.add(key(file, name))
    for (const identifier of declaration.identifiers) {
      const imported = module.imports.get(identifier)
      if (imported) open.push(imported)
      else if (identifier !== name) open.push({ file, name: identifier })
    }
  }
  return found
}

/** Declarations whose comment says `@oracle Contract.member`. */
const oracles = rules.flatMap(([file, { declarations }]) =>
  declarations.flatMap(({ name, doc }) =>
    [...doc.matchAll(/@oracle (\w+)\.(\w+)/g)].map(([, contract = '', member = '']) => ({
      file,
      name,
      contract,
      member,
    })),
  ),
)

test('what rules/ exports is used by the product, is the oracle of a contract, or waits for a named issue', () => {
  const used = reachable([...product.flatMap(([, { imports }]) => [...imports.values()]), ...oracles])
  const unused = rules.flatMap(([file, { declarations }]) =>
    declarations
      .filter(({ exported, name }) => exported && !used.has(key(file, name)))
      .map(({ name }) => key(file, name)),
  )
  expect(unused.sort()).toEqual(Object.keys(WAITING).sort())
})

test('an oracle names a member of a contract, and a test of the contracts uses it', () => {
  const contractTests = [...modules].filter(([file]) => file.startsWith('contracts/test/'))
  const tested = new Set(
    contractTests.flatMap(([, { imports }]) => [...imports.values()].map(({ file, name }) => key(file, name))),
  )
  for (const { file, name, contract, member } of oracles) {
    const abi: readonly { type: string; name?: string }[] = contracts[contract as ContractName]?.abi ?? []
    expect(
      abi.map((item) => item.name),
      `@oracle ${contract}.${member} of ${name}`,
    ).toContain(member)
    expect([...tested], `tests that use ${name}`).toContain(key(file, name))
  }
  expect(oracles.length).toBeGreaterThan(10)
})

test('the ledger posts every kind of fact except those that wait', () => {
  const kinds = (nodes: SyntaxNode[], type: string, value: (node: SyntaxNode) => unknown) =>
    nodes
      .filter((node) => node.type === type && (node.key as SyntaxNode)?.name === 'kind')
      .flatMap((node) => {
        const literal = value(node)
        return typeof literal === 'string' ? [literal] : []
      })
  const ledger = modules.get('rules/ledger.ts')
  const declared = kinds(ledger?.nodes ?? [], 'TSPropertySignature', (node) => {
    const annotation = node.typeAnnotation as { typeAnnotation?: { literal?: { value: unknown } } } | undefined
    return annotation?.typeAnnotation?.literal?.value
  })
  const posted = product
    .filter(([, { imports }]) => [...imports.values()].some(({ file }) => file === 'rules/ledger.ts'))
    .flatMap(([, { nodes }]) => kinds(nodes, 'Property', (node) => (node.value as SyntaxNode).value))
  expect(declared).toContain('deposit')
  expect(declared.filter((kind) => !posted.includes(kind)).sort()).toEqual(Object.keys(UNPOSTED_KINDS).sort())
})

test('an epoch collects every fact except those that wait', () => {
  for (const name of Object.keys(EMPTY_FACTS)) {
    const given = product.flatMap(([, { nodes }]) =>
      nodes
        .filter((node) => node.type === 'Property' && (node.key as SyntaxNode)?.name === name)
        .map((node) => node.value as SyntaxNode),
    )
    expect(given.length, name).toBeGreaterThan(0)
    for (const value of given) expect([value.type, value.elements], name).toEqual(['ArrayExpression', []])
  }
})

test('each file of rules/ begins with the number of its rule, and rules/README.md lists it', async () => {
  const readme = await readFile(join(root, 'rules/README.md'), 'utf8')
  for (const [file] of rules) {
    const [first = ''] = (await readFile(join(root, file), 'utf8')).split('\n')
    expect(first, file).toMatch(/^\/\*\* (Rules? \d+|Shared by all rules)/)
    expect(readme, file).toContain(`\`${file.replace('rules/', '')}\``)
  }
})

test('a rule that is cited by number is in rules/README.md', async () => {
  const readme = await readFile(join(root, 'rules/README.md'), 'utf8')
  const listed = new Set([...readme.matchAll(/^\| (\d+[a-z]?) \|/gm)].map(([, number]) => number))
  const solidity = (await readdir(join(root, 'contracts/src'), { recursive: true, encoding: 'utf8' }))
    .filter((file) => file.endsWith('.sol'))
    .map((file) => `contracts/src/${file}`)
  const cited = /\b[Rr]ules? ((?:\d+[a-z]?(?:, | and )?)+)|\b[Aa]mendments? ((?:\d+[a-z]?(?:, | and )?)+)/g
  for (const file of [...rules, ...product].map(([name]) => name).concat(solidity, 'docs/protocol.md'))
    for (const [text, ...numbers] of (await readFile(join(root, file), 'utf8')).matchAll(cited))
      for (const number of numbers.join(' ').match(/\d+[a-z]?/g) ?? [])
        expect([...listed], `${file}: ${text}`).toContain(number)
})
