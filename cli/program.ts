import { Argument, Command } from 'commander'
import { VERSION } from '#schema/version.ts'
import { addActCommands } from './acts/commands.ts'
import { addAuditCommands } from './auditCommands.ts'
import { addModelCommands } from './model/commands.ts'
import { addOperatorCommands } from './operatorCommands.ts'
import { addServiceCommands } from './serviceCommands.ts'

/** The command-line program. The code of a command is loaded when the command runs, so that `--help` prints at once. `withEngine`: with the commands of
 *  `models`, for which the engine is loaded. */
export async function buildProgram({ withEngine }: { withEngine: boolean }): Promise<Command> {
  const program = new Command('modelcommons')
    .description('The public life of community-owned AI models, from proposal to reward.')
    .version(VERSION)
  addServiceCommands(program)
  addAuditCommands(program)
  if (withEngine) (await import('./models.ts')).addModelsCommand(program)
  else program.command('models').description('list, import, inspect, train and run models on this machine')
  addOperatorCommands(program)
  addActCommands(program)
  addModelCommands(program)

  program
    .command('completion')
    .description('print a script with which a shell completes the words of this program')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      '\nIt completes `modelcommons`, not `npx modelcommons`: put the program on the PATH first (`npm link`).\n\nExample:\n  modelcommons completion bash > ~/.local/share/bash-completion/completions/modelcommons',
    )
    .action(async (shell) => console.log((await import('./completion.ts')).completionScript(program, shell)))

  for (const [command, path] of commandPaths(program))
    command.showHelpAfterError(
      command.commands.length ? `(${path} --help lists the commands)` : `(${path} --help describes this command)`,
    )
  return program
}

/** Each command with the words that start it. */
export function commandPaths(command: Command, parent = ''): [Command, string][] {
  const path = `${parent}${command.name()}`
  return [[command, path], ...command.commands.flatMap((each) => commandPaths(each, `${path} `))]
}
