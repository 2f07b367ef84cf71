import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')
const HEADING = '## To change X, open Y'
const MIN_ROWS = 30

interface Signpost {
  question: string
  file: string
  symbol: string
}

/** The rows of ARCHITECTURE's table: question | `file` | `symbol`. A symbol may name a member: `Class.method`. */
function signposts(text: string): Signpost[] {
  const section = text.split(HEADING)[1]?.split('\n## ')[0] ?? ''
  return [...section.matchAll(/^\| ([^|`]+) \| `([^`]+)` \| `([^`]+)` \|/gm)].map(
    ([, question = '', file = '', symbol = '']) => ({ question: question.trim(), file, symbol }),
  )
}

/** Whether a source defines the symbol: a declaration, or a method or property of the class or object that is named before the dot. */
function defines(source: string, symbol: string): boolean {
  const [owner = '', member] = symbol.split('.')
  const declared = new RegExp(`\\b(?:function\\*?|const|let|class|interface|type)\\s+${owner}\\b`).test(source)
  return (
    declared &&
    (!member || new RegExp(`^\\s+(?:private |readonly |async |static |get )*${member}\\b`, 'm').test(source))
  )
}

test('every row of "To change X, open Y" leads to a file that defines the symbol', () => {
  const rows = signposts(readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8'))
  expect(rows.length).toBeGreaterThanOrEqual(MIN_ROWS)
  const lost = rows.filter(({ file, symbol }) => {
    try {
      return !defines(readFileSync(join(root, file), 'utf8'), symbol)
    } catch {
      return true
    }
  })
  expect(lost).toEqual([])
  expect(new Set(rows.map(({ question }) => question)).size).toBe(rows.length)
})

test('files that the documents name exist', () => {
  const documents = ['ARCHITECTURE.md', 'README.md', 'engine/README.md', 'rules/README.md', 'example/README.md']
  const lost = documents.flatMap((document) => {
    const text = readFileSync(join(root, document), 'utf8')
    const named = [...text.matchAll(/`([\w./-]+\/[\w.-]+\.(?:ts|md|sol|json|yml|graphql))`/g)].map(
      ([, file = '']) => file,
    )
    const places = (file: string) => [join(root, file), join(root, dirname(document), file)]
    return named.filter((file) => !places(file).some(existsSync)).map((file) => `${document}: ${file}`)
  })
  expect(lost).toEqual([])
})

test('a definition is distinguished from a mention', () => {
  const source = 'import { a } from "./a.ts"\nexport async function b() {}\nclass C {\n  private async d() {}\n}\n'
  expect(['b', 'C', 'C.d'].every((symbol) => defines(source, symbol))).toBe(true)
  expect(['a', 'd', 'C.e', 'b.d2'].some((symbol) => defines(source, symbol))).toBe(false)
})
