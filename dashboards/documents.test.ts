import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parse, validate } from 'graphql'
import { expect, test } from 'vitest'
import { ANSWERS, answerTypes, committedSchema, operations } from './generate.ts'

test('every document of the page is valid against the committed schema', () => {
  const schema = committedSchema()
  for (const text of operations()) expect(validate(schema, parse(text)).map((fault) => fault.message)).toEqual([])
})

test('the generated types of the answers are current', async () => {
  const committed = await readFile(ANSWERS, 'utf8')
  const generated = answerTypes(committedSchema(), operations())
  expect(committed, 'run: node --import tsx dashboards/generate.ts').toBe(generated)
})

test('a field that is not in the schema is named', () => {
  const generate = () => answerTypes(committedSchema(), ['query Wrong { overview { unicorns } }'])
  expect(generate).toThrow('Overview has no field unicorns')
})

test('the page compiles under strict TypeScript', () => {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const { stdout } = spawnSync('npx', ['tsc', '--noEmit', '-p', 'dashboards'], { cwd: root, encoding: 'utf8' })
  expect(stdout).toBe('')
})
