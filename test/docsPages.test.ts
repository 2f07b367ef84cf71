import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildSchema, parse, validate } from 'graphql'
import { expect, test } from 'vitest'
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
