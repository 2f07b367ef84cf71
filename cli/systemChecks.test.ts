import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readConfig } from '#config'
import { lockHome } from './lockHome.ts'
import { announceSystem } from './runningSystem.ts'
import { systemChecks } from './systemChecks.ts'

test('the doctor says how the example gets on, and that it stopped', async () => {
  const home = await mkdtemp(join(tmpdir(), 'modelcommons-example-'))
  onTestFinished(() => rm(home, { recursive: true, force: true }))
  const config = readConfig({ MODELCOMMONS_HOME: home }, { requireDeployment: false, signs: false })
  const { title } = process
  process.title = 'modelcommons' // whose lock on a home counts
  onTestFinished(() => void (process.title = title))
  onTestFinished(await lockHome(home))
  const announced = await announceSystem(config, { url: 'http://127.0.0.1:9', statusUrls: {} })
  const example = async () => (await systemChecks(config)).find(([name]) => name === 'example')?.[1]()

  expect(await example()).toBe(undefined)
  await announced.tellExample({ stopped: false, says: 'it plays' })
  expect(await example()).toBe('it plays')
  await announced.tellExample({ stopped: true, says: 'The ballot has no votes.' })
  await expect(example()).rejects.toThrow('The example stopped: The ballot has no votes.')
  await announced.withdraw()
  expect(await example()).toBe(undefined)
})
