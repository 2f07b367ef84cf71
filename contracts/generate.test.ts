import { readdirSync, readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Compiled, type ContractSource, compileContracts, SOURCE_OF } from './compile.ts'
import { generatedFiles, staleFiles } from './generate.ts'

const EIP_170_BYTES = 24_576

let compiled: Record<ContractSource, Compiled>
beforeAll(async () => {
  compiled = await compileContracts()
})

test('the generated files are what the sources compile to; if not, run `npm run contracts`', () => {
  expect(staleFiles(generatedFiles(compiled))).toEqual([])
})

test('every contract fits on any chain', () => {
  for (const [name, { runtimeBytes }] of Object.entries(compiled))
    expect(runtimeBytes, name).toBeLessThan(EIP_170_BYTES)
})

describe('every custom error of ours', () => {
  const folder = new URL('./test/', import.meta.url)
  const tests = readdirSync(folder)
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => readFileSync(new URL(file, folder), 'utf8'))
    .join('\n')
  const own = Object.entries(SOURCE_OF).filter(([, path]) => path.startsWith('contracts/'))

  test.each(own)('of %s is provoked by a test and says what is wrong', (name, path) => {
    const source = readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
    const errors = [...source.matchAll(/(\/\/\/[^\n]*\n\s*)?error (\w+)\(/g)]
    for (const [, explanation, error] of errors) {
      expect(explanation, `${name}.${error} has no explanation`).toBeDefined()
      expect(mentions(tests, name, error!), `no test provokes ${name}.${error}`).toBe(true)
    }
  })
})

/** Whether tests name an error as `Contract.Error`, or in a table of the errors of one contract. */
function mentions(tests: string, contract: string, error: string): boolean {
  return (
    tests.includes(`${contract}.${error}`) ||
    (tests.includes(`\`${contract}.\${error}\``) && tests.includes(`['${error}'`))
  )
}
