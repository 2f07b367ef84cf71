import { Command } from 'commander'
import { expect, test } from 'vitest'
import { addModelCommands } from '../model/commands.ts'
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
