import { type Command, InvalidArgumentError, Option } from 'commander'
import { httpUrl } from '../optionValues.ts'

/** What the commands of people have in common, as far as commander must know it. */

/** The code of an act is loaded when its command runs. */
export const loadActs = () => import('./runAct.ts')

export const wholeId = (text: string): bigint => {
  if (!/^\d{1,78}$/.test(text)) throw new InvalidArgumentError('Expected an id: a whole number.')
  return BigInt(text)
}

export const tokenAmount = (text: string): bigint => {
  if (!/^\d+(\.\d{1,18})?$/.test(text)) throw new InvalidArgumentError('Expected an amount of tokens, such as 2.5.')
  const [whole = '0', fraction = ''] = text.split('.') // without viem, which takes long to load
  return BigInt(whole + fraction.padEnd(18, '0'))
}

const connects = (command: Command, example: string, json = 'print JSON'): Command =>
  command
    .option('--api <url>', 'the API (default: MODELCOMMONS_API, or this machine)', httpUrl)
    .option('--node <url>', 'a node of the chain (default: the one that the API names)', httpUrl)
    .option('--json', json)
    .addHelpText('after', `\nExample:\n  modelcommons ${example}`)

export const reads = (command: Command, example: string): Command => connects(command, example)

/** Of what the account has, or must do. Nothing is signed, so that there is no dry run of it. */
export const readsOwn = (command: Command, example: string): Command =>
  connects(command, example).option(
    '--account <name>',
    'whose (or MODELCOMMONS_KEY; `operator`: OPERATOR_KEY)',
    'default',
  )

/** Of an act that the account may sign and the API send. */
export const relayed = (command: Command): Command =>
  command.option('--relay', 'let the API send what the account signs: that costs it no gas')

export const signs = (command: Command, example: string): Command =>
  connects(command, example, 'print JSON; progress goes to the error output, one JSON object a line')
    .option('--account <name>', 'the account that acts (or MODELCOMMONS_KEY; `operator`: OPERATOR_KEY)', 'default')
    .option('--dry-run', 'say what would be signed and sent, and what it would cost')
    .addOption(
      new Option(
        '--wait <state>',
        'when it is done: mined, in the index, or final there (default: final; on a development chain indexed)',
      ).choices(['mined', 'indexed', 'final']),
    )
