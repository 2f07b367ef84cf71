import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildSchema, parse, validate } from 'graphql'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const schema = buildSchema(readFileSync(join(root, 'graphql/schema.graphql'), 'utf8'))

/** The queries in the sources of the client and of the example. Their types are derived from the schema, but literal arguments are not checked by types. */
const documents = ['client', 'example']
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
  )
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/\bgraphql\(\s*(['`])([\s\S]*?)\1/g)].map(
      ([, , text = '']) => [file, text] as const,
    ),
  )

test('there are queries', () => expect(documents.length).toBeGreaterThan(15))

test.each(documents)('a query of %s is valid', (_, text) => {
  expect(validate(schema, parse(text))).toEqual([])
})
