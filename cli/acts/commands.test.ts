import { Command } from 'commander'
import { expect, test } from 'vitest'
import { commandsOfLine, whyRefused } from '#test/docsCommands.ts'
import { addModelCommands } from '../model/commands.ts'
import { buildProgram, commandPaths } from '../program.ts'
import { addActCommands } from './commands.ts'

function programOfPeople(): Command {
  const program = new Command('modelcommons')
  addActCommands(program)
  addModelCommands(program)
  return program
}

const leaves = (command: Command): Command[] =>
  command.commands.length > 0 ? command.commands.flatMap(leaves) : [command]

const pathOf = (command: Command): string =>
  command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name()

function helpOf(command: Command): string {
  let help = ''
  command.configureOutput({ writeOut: (text) => void (help += text) }).outputHelp()
  return help
}

test.each(leaves(programOfPeople()).map((command) => [pathOf(command), command] as const))(
  '%s has an example that is a call of it',
  (path, command) => {
    const examples = [...helpOf(command).matchAll(/^ {2}(modelcommons .*)$/gm)].map(([, line = '']) => line)
    expect(examples.length).toBeGreaterThan(0)
    for (const line of examples) expect(line.startsWith(path)).toBe(true)
  },
)

test('the program takes every example that its helps show', async () => {
  const examples = commandPaths(await buildProgram({ withEngine: true })).flatMap(([command]) =>
    [...helpOf(command).matchAll(/^ {2}(modelcommons .*)$/gm)].flatMap(([, line = '']) => commandsOfLine(line)),
  )
  expect(examples.map(({ words: [first] }) => first)).toContain('steward')
  for (const example of examples) expect(await whyRefused(example), example.line).toBe(undefined)
})

test('whatever an account puts in, a command takes out', () => {
  const paths = new Set(leaves(programOfPeople()).map(pathOf))
  const ways = {
    wrap: 'unwrap',
    delegate: 'unlock',
    stake: 'unstake',
    'judge stake': 'judge unstake',
    contribute: 'withdraw-stake',
    'credit deposit': 'credit withdraw',
    propose: 'settle-bond',
  }
  for (const way of Object.entries(ways).flat()) expect(paths).toContain(`modelcommons ${way}`)
})

/** Each signs, sends transactions, or asks the workers for them. Others have nothing to try: they do not know the option. */
const TRIED = [
  ...['wrap', 'unwrap', 'delegate', 'unlock', 'stake', 'unstake', 'vote', 'queue', 'execute', 'settle-bond'],
  ...['datanet create', 'contribute', 'withdraw-data', 'withdraw-stake', 'credit deposit', 'credit request'],
  ...['credit withdraw', 'call', 'judge', 'judge stake', 'judge unstake', 'judge draw', 'endpoint open'],
  ...['endpoint point', 'endpoint price', 'endpoint settle', 'claim', 'dispute open', 'model propose', 'propose'],
  ...['receipt countersign', 'credit grant'],
].map((words) => `modelcommons ${words}`)

test('what signs and sends has a dry run, and nothing else has', async () => {
  const having = (option: string) =>
    commands.filter(([{ options }]) => options.some(({ long }) => long === option)).map(([, path]) => path)
  const commands = commandPaths(await buildProgram({ withEngine: true }))
  expect(having('--dry-run').sort()).toEqual(TRIED.sort())
  const waiting = TRIED.filter((path) => path !== 'modelcommons endpoint settle') // a request of the API, which sends nothing itself
  expect(having('--wait').sort()).toEqual(waiting)
})

test('a dispute is opened without a word between, too', async () => {
  const asked: unknown[] = []
  const program = programOfPeople()
  const [open] = commandPaths(program).flatMap(([one, path]) => (path === 'modelcommons dispute open' ? [one] : []))
  open?.action((subject, id, { ground, statement }) => void asked.push([subject, id, ground, statement]))
  for (const words of [[], ['open']])
    await program.parseAsync(['dispute', ...words, 'Version', '4', '--ground', 'harm', '--statement', 'It lies.'], {
      from: 'user',
    })
  expect(asked).toEqual([
    ['Version', 4n, 'harm', 'It lies.'],
    ['Version', 4n, 'harm', 'It lies.'],
  ])
})
