import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEther, toHex } from 'viem'
import { expect, test } from 'vitest'
import { castVote } from '#client/index.ts'
import { clientSystem } from '#client/test/clientSystem.ts'
import { SETTINGS } from '#contracts/test/world.ts'
import { EXAMPLE_BASE } from '#model/test/newFolder.ts'
import { formatTables } from './formatTables.ts'

const ROOT = join(import.meta.dirname, '../..')
const PAGE = join(ROOT, 'docs/your-own-model.md')

/** The commands of the page, in order. */
const commandsOf = (page: string) =>
  [...page.matchAll(/```sh\n([^`]*)```/g)].flatMap(([, block = '']) => block.trim().split('\n'))

const NAMES = ['Ada', 'Bo', 'Cleo', 'Dan', 'Eve', 'Finn', 'Gus', 'Hal', 'Ida', 'Jo', 'Kim', 'Lea', 'Max', 'Nia']

/** What a newcomer has: messages with their desk. */
const SAMPLES = ['delivery', 'refund', 'account'].flatMap((label, group) =>
  NAMES.map((name, nth) => ({
    prompt: `${['Parcel', 'Money for', 'Login of'][group]} ${name} ${['is late', 'should come back', 'does not work'][group]}, order ${1000 + 37 * nth + group}.`,
    completion: label,
  })),
)

test('every command of docs/your-own-model.md does what the page says', async () => {
  const { url, world, folder, as } = await clientSystem()
  const work = join(folder, 'work')
  await mkdir(work)
  await cp(EXAMPLE_BASE, join(work, 'tiny-llama'), { recursive: true })
  await writeFile(join(work, 'samples.jsonl'), SAMPLES.map((one) => `${JSON.stringify(one)}\n`).join(''))
  await symlink(join(ROOT, 'node_modules'), join(work, 'node_modules'))
  const { PATH = '', HOME = '' } = process.env
  const env = {
    PATH,
    HOME,
    MODELCOMMONS_API: url,
    MODELCOMMONS_HOME: folder,
    MODELCOMMONS_PASSPHRASE: 'an owl in the attic',
  }
  const named: Record<string, string> = {}
  const run = (command: string): Promise<string> => {
    const words = command.match(/"[^"]*"|\S+/g)?.map((word) => named[word] ?? word.replaceAll('"', '')) ?? []
    expect(words.splice(0, 2)).toEqual(['npx', 'modelcommons'])
    return new Promise((resolve, reject) =>
      execFile(
        process.execPath,
        [join(ROOT, 'bin/modelcommons.js'), ...words],
        { cwd: work, env },
        (error, stdout, stderr) => (error ? reject(new Error(`${command}: ${stderr}`)) : resolve(stdout)),
      ),
    )
  }
  /** What the test's other people and the clock do after a command. */
  const then: Record<string, (output: string) => Promise<unknown>> = {
    'account new': async (output) => {
      named.ADDRESS = output.trim()
      await world.rpc('anvil_setBalance', [named.ADDRESS, toHex(parseEther('200'))])
    },
    'model status': async (output) => {
      named.PROPOSAL ??= /^proposal (\d+)/m.exec(output)?.[1] ?? ''
      named.MODEL ??= /^model (\d+)/m.exec(output)?.[1] ?? ''
      await world.warp(SETTINGS.votingDelay + 1)
    },
    'vote PROPOSAL': async () => {
      await castVote(await as(2), { proposalId: BigInt(named.PROPOSAL ?? 0), support: 'for' })
      await world.warp(SETTINGS.votingPeriod + SETTINGS.lateQuorumExtension + 1)
    },
    'queue PROPOSAL': () => world.warp(SETTINGS.timelockDelay + 1),
    'datanet create': async (output) => {
      named.DATANET = /datanet (\d+)/.exec(output)?.[1] ?? ''
    },
  }
  let last = ''
  for (const command of commandsOf(await readFile(PAGE, 'utf8'))) {
    last = await run(command)
    const [, done] = Object.entries(then).find(([words]) => command.startsWith(`npx modelcommons ${words}`)) ?? []
    await done?.(last)
  }
  expect(last).toMatch(/datanet \d+ \(CC-BY-4.0\): [1-9]\d* samples, 0 accepted/)
  expect(last).toContain('next: The operator or the steward scores the samples')
}, 300_000)

test('the reference of the page is what the format says', async () => {
  expect(await readFile(PAGE, 'utf8')).toContain(formatTables())
})
