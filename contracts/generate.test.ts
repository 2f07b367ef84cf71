import { readdirSync, readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { type Compiled, type ContractSource, compileContracts, SOURCE_OF } from './compile.ts'
import { generatedFiles, staleFiles } from './generate.ts'

const EIP_170_BYTES = 24_576
/** Takes ten seconds; longer on a busy machine. */
const COMPILE_TIMEOUT_MS = 600_000

let compiled: Record<ContractSource, Compiled>
beforeAll(async () => {
  compiled = await compileContracts()
}, COMPILE_TIMEOUT_MS)

test('the generated files are what the sources compile to; if not, run `npm run contracts`', () => {
  expect(staleFiles(generatedFiles(compiled))).toEqual([])
})

test('every contract fits on any chain', () => {
  for (const [name, { runtimeBytes }] of Object.entries(compiled))
    expect(runtimeBytes, name).toBeLessThan(EIP_170_BYTES)
})

describe('every custom error of ours', () => {
  const tests = textsIn('./test/', '.test.ts').join('\n')
  /** Name → whether a comment before it says what is wrong. */
  const errors = new Map(
    textsIn('./src/', '.sol').flatMap((source) =>
      [...source.matchAll(/(\/\/\/[^\n]*\n\s*)?error (\w+)\(/g)].map(([, comment, name]) => [
        must(name),
        Boolean(comment),
      ]),
    ),
  )

  test('says what is wrong', () => {
    expect([...errors].filter(([, explained]) => !explained)).toEqual([])
  })

  test.each(Object.keys(SOURCE_OF) as ContractSource[])('of %s is provoked by a test', (name) => {
    const own = compiled[name].abi.filter((item) => item.type === 'error' && errors.has(item.name))
    const missing = own.map((item) => (item as { name: string }).name).filter((error) => !mentions(tests, name, error))
    expect(missing).toEqual([])
  })
})

function textsIn(folder: string, ending: string): string[] {
  const root = new URL(folder, import.meta.url)
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith(ending))
  return files.map((file) => readFileSync(new URL(file, root), 'utf8'))
}

/** Whether tests name an error as `Contract.Error`, or in a table of the errors of one contract. */
function mentions(tests: string, contract: string, error: string): boolean {
  return (
    tests.includes(`${contract}.${error}`) ||
    (tests.includes(`\`${contract}.\${error}\``) && tests.includes(`['${error}'`))
  )
}
