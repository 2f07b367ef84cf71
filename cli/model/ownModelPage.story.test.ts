import { cp, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEther, toHex } from 'viem'
import { expect, test } from 'vitest'
import { castVote } from '#client/index.ts'
import { clientSystem } from '#client/test/clientSystem.ts'
import { SETTINGS } from '#contracts/test/world.ts'
import { EXAMPLE_BASE } from '#model/test/newFolder.ts'
import { pageSteps, readPage, runSteps, type StepHooks } from '#test/docsPage.ts'
import { formatTables } from './formatTables.ts'

const ROOT = join(import.meta.dirname, '../..')
const NAMES = ['Ada', 'Bo', 'Cleo', 'Dan', 'Eve', 'Finn', 'Gus', 'Hal', 'Ida', 'Jo', 'Kim', 'Lea', 'Max', 'Nia']

/** What a newcomer has: messages with their desk. */
const SAMPLES = ['delivery', 'refund', 'account'].flatMap((label, group) =>
  NAMES.map((name, nth) => ({
    prompt: `${['Parcel', 'Money for', 'Login of'][group]} ${name} ${['is late', 'should come back', 'does not work'][group]}, order ${1000 + 37 * nth + group}.`,
    completion: label,
  })),
)

test('every command of docs/your-own-model.md up to a mandate and its first data does what the page says', async () => {
  const { url, world, folder, as } = await clientSystem()
  const work = join(folder, 'work')
  await mkdir(work)
  await cp(EXAMPLE_BASE, join(work, 'tiny-llama'), { recursive: true })
  await writeFile(join(work, 'samples.jsonl'), SAMPLES.map((one) => `${JSON.stringify(one)}\n`).join(''))
  await symlink(join(ROOT, 'node_modules'), join(work, 'node_modules'))
  const env = {
    MODELCOMMONS_API: url,
    MODELCOMMONS_HOME: folder,
    MODELCOMMONS_PASSPHRASE: 'an owl in the attic',
  }
  const names: Record<string, string> = {}
  let status = ''
  /** What the test's other people and the clock do after a command. */
  const after: StepHooks = {
    'account new': async (output) => {
      names.ADDRESS = output.trim()
      await world.rpc('anvil_setBalance', [names.ADDRESS, toHex(parseEther('10000'))])
    },
    'model status': async (output) => {
      status = output
      names.PROPOSAL ??= /^proposal (\d+)/m.exec(output)?.[1] ?? ''
      names.MODEL ??= /^model (\d+)/m.exec(output)?.[1] ?? ''
      await world.warp(SETTINGS.votingDelay + 1)
    },
    'vote PROPOSAL': async () => {
      await castVote(await as(2), { proposalId: BigInt(names.PROPOSAL ?? 0), support: 'for' })
      await world.warp(SETTINGS.votingPeriod + SETTINGS.lateQuorumExtension + 1)
    },
    'queue PROPOSAL': () => world.warp(SETTINGS.timelockDelay + 1),
    'datanet create': async (output) => {
      names.DATANET = /datanet (\d+)/.exec(output)?.[1] ?? ''
    },
  }
  await runSteps(pageSteps(await readPage('your-own-model.md'), '## Served and paid'), {
    cwd: work,
    env,
    api: url,
    names,
    after: [after],
  })
  expect(status).toMatch(/datanet \d+ \(CC-BY-4.0\): [1-9]\d* samples, 0 accepted/)
  expect(status).toContain('next: The operator or the steward scores the samples')
})

test('the reference of the page is what the format says', async () => {
  expect(await readPage('your-own-model.md')).toContain(formatTables())
})
