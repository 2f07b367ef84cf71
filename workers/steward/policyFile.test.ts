import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../test/testWorker.ts'
import { readStewardFile } from './policyFile.ts'

test('the example of the documents is a valid file', async () => {
  const example = new URL('../../docs/steward.example.yaml', import.meta.url).pathname
  expect(Object.keys((await readStewardFile(example)).policy ?? {})).toEqual([
    'score',
    'train',
    'evaluate',
    'promote',
    'follow',
    'monitor',
  ])
})

test('what is wrong in the file is told with its place', async () => {
  const path = join(await temporaryFolder(), 'steward.yaml')
  const problem = async (text: string) => {
    await writeFile(path, text)
    return (await readStewardFile(path).catch((error: Error) => error.message)) as string
  }
  expect(await problem('version: 1\npolicy: { train: { samples: 0 } }')).toMatch(/policy\.train\.samples: Too small/)
  expect(await problem('policy: {}')).toMatch(/version: /)
  expect(await problem('models: [')).toMatch(/cannot be read as YAML/)
  expect(await readStewardFile('/nowhere/steward.yaml').catch((error: Error) => error.message)).toMatch(
    /^STEWARD_FILE: .*ENOENT/,
  )
})
