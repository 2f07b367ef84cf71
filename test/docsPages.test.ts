import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildSchema, parse, validate } from 'graphql'
import { expect, test } from 'vitest'
import { shownCommands, whyRefused } from './docsCommands.ts'
import { pageSteps, readPage } from './docsPage.ts'

/** The pages for people: `npm run check -- journeys` runs them on a whole system. Here they are only read. */

const root = join(import.meta.dirname, '..')
const PAGES = (await readdir(join(root, 'docs'))).filter((name) => /^for-.*\.md$/.test(name))
const schema = buildSchema(await readFile(join(root, 'graphql/schema.graphql'), 'utf8'))

test('there is a page for each kind of person', () => {
  expect(PAGES).toEqual(
    ['analysts', 'contributors', 'governors', 'integrators', 'operators', 'validators'].map((who) => `for-${who}.md`),
  )
})

test.each([...PAGES, 'compliance.md'])(
  'the queries of %s are valid, and its commands are of this program alone',
  async (name) => {
    const steps = pageSteps(await readPage(name))
    expect(steps.length).toBeGreaterThan(5)
    for (const { kind, text } of steps)
      if (kind === 'graphql') expect(validate(schema, parse(text)).map(({ message }) => message)).toEqual([])
      else expect(text).toMatch(/^npx modelcommons [a-z]/)
  },
)

const files = (await readdir(join(root, 'docs'), { recursive: true })).filter((name) => name.endsWith('.md'))
const SHOWN = await Promise.all(
  ['README.md', ...files.map((name) => join('docs', name))].map(
    async (page) => [page, shownCommands(await readFile(join(root, page), 'utf8'))] as const,
  ),
)

test.each(SHOWN.filter(([, shown]) => shown.length > 0))(
  'the program takes every command that %s shows',
  async (_, shown) => {
    const refused: string[] = []
    for (const one of shown) {
      const why = await whyRefused(one)
      if (why) refused.push(`${one.line}: ${why}`)
    }
    expect(refused).toEqual([])
  },
)

test('a command of a page that the program does not take is told, also behind others', async () => {
  const page = `\`npx modelcommons stakes 1 2\` or \`npx modelcommons stake --hurry\` or \`npx modelcommons stake\`
\`\`\`sh
ls > FILE && A=b npx modelcommons stake MODEL 5 # comment
npx modelcommons call 1 "a | b" --json > answer.json; npx modelcommons wrap 0x… \\
  --dry-run | cat
modelcommons vote 7125… maybe
npx modelcommons delegate 0x12
npx modelcommons endpoint open 3 --url URL --price-in 1
npx modelcommons endpoint
npx modelcommons claim --all
\`\`\``
  const shown = shownCommands(page)
  expect(shown.map(({ words }) => words.join('\t'))).toContain('call\t1\ta | b\t--json')
  expect(shown).toHaveLength(11)
  expect(await Promise.all(shown.map(whyRefused))).toEqual([
    undefined,
    undefined,
    undefined,
    expect.stringContaining('Expected for, against or abstain.'),
    expect.stringContaining('Expected an address'),
    expect.stringContaining("required option '--price-out <tokens>' not specified"),
    '(outputHelp)',
    expect.stringContaining("unknown option '--all'"),
    expect.stringContaining("unknown command 'stakes'"),
    expect.stringContaining("unknown option '--hurry'"),
    undefined,
  ])
})
