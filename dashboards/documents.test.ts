import { readFileSync } from 'node:fs'
import { buildSchema, parse, validate } from 'graphql'
import { expect, test } from 'vitest'
import { documentText } from '#client/graphql/api.ts'
import type { TadaDocumentNode } from '#client/graphql/document.ts'

const schema = buildSchema(readFileSync(new URL('../graphql/schema.graphql', import.meta.url), 'utf8'))

/** The operations of the pages by their names; fragments stand in those that use them. */
const operations = Object.values(import.meta.glob<object>('./web/data/documents/*.ts', { eager: true }))
  .flatMap((documents) => Object.entries<unknown>(documents as Record<string, unknown>))
  .flatMap(([name, one]) => {
    const text = one && typeof one === 'object' && 'loc' in one ? documentText(one as TadaDocumentNode) : ''
    return text && !/^\s*fragment/.test(text) ? [[name, text] as const] : []
  })

test('there are operations', () => expect(operations.length).toBeGreaterThan(8))

test.each(operations)('%s is valid', (_, text) => {
  expect(validate(schema, parse(text)).map((fault) => fault.message)).toEqual([])
})
