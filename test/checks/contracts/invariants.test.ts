import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import solc from 'solc'
import { expect, test } from 'vitest'
import { contractBugs } from './bugs/index.ts'
import { invariantSuites } from './forge.ts'

/** `npm run check -- contracts` takes minutes; these tests tell at once that a contract and its invariants no longer fit. */

const ROOT = resolve(import.meta.dirname, '../../..')
const INVARIANTS = join(import.meta.dirname, 'invariants')
const text = (path: string) => readFileSync(path, 'utf8')

test('the invariants compile with the contracts', () => {
  const files = readdirSync(INVARIANTS)
  const sources = files.map((file) => [`contracts/invariants/${file}`, { content: text(join(INVARIANTS, file)) }])
  const input = { language: 'Solidity', sources: Object.fromEntries(sources), settings: { outputSelection: {} } }
  const find = (path: string) => ({ contents: text(join(ROOT, path.startsWith('@') ? 'node_modules' : '', path)) })
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find })) as {
    errors?: { severity: string; formattedMessage: string }[]
  }
  const faults = (output.errors ?? []).filter(({ severity }) => severity === 'error')
  expect(faults.map(({ formattedMessage }) => formattedMessage)).toEqual([])
})

test.each(contractBugs)('the bug “$name” can be planted', ({ suite, file, from }) => {
  expect(invariantSuites).toContain(suite)
  expect(text(join(ROOT, 'contracts/src', file)).split(from)).toHaveLength(2)
})

test('every suite has bugs that it must find', () => {
  expect(new Set(contractBugs.map(({ suite }) => suite))).toEqual(new Set(invariantSuites))
})
