import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { buildSchema, parse, validate } from 'graphql'
import { expect, test } from 'vitest'
import { documentText } from '#client/graphql/api.ts'
import type { TadaDocumentNode } from '#client/graphql/document.ts'
import * as documents from './web/data/documents.ts'

const schema = buildSchema(readFileSync(new URL('../graphql/schema.graphql', import.meta.url), 'utf8'))

/** The operations of the page by their names; fragments stand in those that use them. */
const operations = Object.entries(documents).flatMap(([name, one]) => {
  const text = typeof one === 'object' && 'loc' in one ? documentText(one as TadaDocumentNode) : ''
  return text ? [[name, text] as const] : []
})

test('there are operations', () => expect(operations.length).toBeGreaterThan(8))

test.each(operations)('%s is valid', (_, text) => {
  expect(validate(schema, parse(text)).map((fault) => fault.message)).toEqual([])
})

test('the page compiles under strict TypeScript', () => {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const { stdout } = spawnSync('npx', ['tsc', '--noEmit', '-p', 'dashboards'], { cwd: root, encoding: 'utf8' })
  expect(stdout).toBe('')
}, 60_000)
