import { type Command, CommanderError } from 'commander'
import { buildProgram, commandPaths } from '#cli/program.ts'

/** Whether the program takes the commands that the documentation shows. Nothing is run. */

/** A command of a page: its words after `modelcommons`. */
export interface ShownCommand {
  line: string
  words: string[]
  /** Stands in a sentence, so that it may be cut off. */
  isMention: boolean
}

/** The commands of the program in the `sh` blocks of a page, and those that its sentences name. */
export const shownCommands = (page: string): ShownCommand[] => [
  ...[...page.matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm)].flatMap(([, block = '']) =>
    block
      .replaceAll(/\\\n/g, ' ')
      .split('\n')
      .flatMap((line) => commandsOfLine(line)),
  ),
  ...[...page.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '').matchAll(/`((?:npx )?modelcommons [a-z-][^`]*)`/g)].flatMap(
    ([, mention = '']) => commandsOfLine(mention.replaceAll(/\s+/g, ' '), true),
  ),
]

/** A comment, a word with its parts in quotes, or an operator of the shell. */
const TOKEN = /\s+#.*$|^#.*$|(?:"[^"]*"|'[^']*'|[^\s"'|&;<>])+|&&|\|\||[|&;]|\d?>>?|</g

export function commandsOfLine(line: string, isMention = false): ShownCommand[] {
  const commands: string[][] = [[]]
  let isFile = false
  for (const [token] of line.matchAll(TOKEN)) {
    if (/^\s*#/.test(token)) break
    if (/^(&&|\|\||[|&;])$/.test(token)) commands.push([])
    else if (/^\d?[<>]/.test(token)) isFile = true
    else if (isFile) isFile = false
    else commands.at(-1)?.push(token.replaceAll(/(["'])(.*?)\1/gs, '$2'))
  }
  return commands.flatMap((given) => {
    const words = given.slice(given.findIndex((word) => !/^[A-Z][A-Z0-9_]*=/.test(word)))
    if (words[0] === 'npx') words.shift()
    return words.shift() === 'modelcommons' ? [{ line, words, isMention }] : []
  })
}

/** What stands for a value: a word in capitals, or one that is cut off. */
const isPlaceholder = (word: string) => /^[A-Z_]+$|…/.test(word)

class Taken extends Error {}

/** What a sentence may leave out. */
const CUT_OFF = ['commander.missingArgument', 'commander.missingMandatoryOptionValue', 'commander.help']

/** Why the program does not take a command; undefined when it does. */
export async function whyRefused({ words, isMention }: ShownCommand): Promise<string | undefined> {
  const program = await buildProgram({ withEngine: true })
  program.hook('preAction', () => {
    throw new Taken()
  })
  for (const [command] of commandPaths(program)) prepare(command)
  try {
    await program.parseAsync(words, { from: 'user' })
    return 'it names nothing that runs'
  } catch (error) {
    if (error instanceof Taken) return undefined
    if (!(error instanceof CommanderError)) throw error
    const isFine = error.code === 'commander.helpDisplayed' || (isMention && CUT_OFF.includes(error.code))
    return isFine ? undefined : error.message
  }
}

/** Lets a command throw, in silence, and take placeholders for values of every kind. */
function prepare(command: Command): void {
  command.exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {} })
  for (const taking of [...command.options, ...command.registeredArguments]) {
    const { parseArg } = taking
    taking.parseArg = parseArg && ((word, before) => (isPlaceholder(word) ? before : parseArg(word, before)))
  }
}
