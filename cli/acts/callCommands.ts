import { type Command, InvalidArgumentError, Option } from 'commander'
import { pointInTime, positiveWhole } from '../optionValues.ts'
import { loadActs, reads, readsOwn, signs, tokenAmount, wholeId } from './options.ts'
import type { ActOptions } from './runAct.ts'

const weekBefore = (end?: Date) => new Date((end?.getTime() ?? Date.now()) - 7 * 86_400_000)

/** What consumers do: credit, calls, usage and receipts. */
export function addCallCommands(program: Command): void {
  const credit = program.command('credit').description('prepaid credit with an endpoint')
  readsOwn(credit.command('list').description('the account’s credit, by endpoint'), 'credit list').action(
    async (options: ActOptions) => (await loadActs()).runOwnRead(options, (client, all) => all.listCredit(client)),
  )
  signs(credit.command('deposit').description('add credit'), 'credit deposit 1 5')
    .argument('<endpoint>', 'its id', wholeId)
    .argument('<tokens>', 'gOPEN', tokenAmount)
    .action(async (endpointId: bigint, amount: bigint, options) =>
      (await loadActs()).runAct(
        options,
        async (client, all) => {
          const refusal = all.refusalOfCalls(client, await all.hostOf(client, endpointId))
          if (refusal)
            (await import('./tell.ts')).tellNote(
              `${refusal} The credit is good only at an API of that host (--api); \`endpoint list\` shows what this one answers.`,
              options,
            )
          return all.deposit(client, { endpointId, amount })
        },
        (all) => `${all.inGOpen(amount)} are credit with endpoint ${endpointId}.`,
      ),
    )
  signs(
    credit.command('grant').description('sign that so much more may be used by calls that are not signed one by one'),
    'credit grant 1 0.01',
  )
    .argument('<endpoint>', 'its id', wholeId)
    .argument('<tokens>', 'gOPEN', tokenAmount)
    .addHelpText('after', '\nFor curl and other clients of HTTP; `call` signs for each call by itself.')
    .action(async (endpointId: bigint, amount: bigint, options) =>
      (await loadActs()).runAct(
        options,
        (client, all) => all.grantMore(client, { endpointId, amount }),
        (all) => `Calls of endpoint ${endpointId} that are not signed one by one may use ${all.inGOpen(amount)} more.`,
      ),
    )
  signs(credit.command('request').description('ask for credit back'), 'credit request 1 5')
    .argument('<endpoint>', 'its id', wholeId)
    .argument('<tokens>', 'gOPEN', tokenAmount)
    .action(async (endpointId: bigint, amount: bigint, options) =>
      (await loadActs()).runAct(options, async (client, all) => ({
        availableAt: (await all.requestWithdrawal(client, { endpointId, amount })).toISOString(),
      })),
    )
  signs(credit.command('withdraw').description('take the credit that was asked for'), 'credit withdraw 1')
    .argument('<endpoint>', 'its id', wholeId)
    .action(async (endpointId: bigint, options) =>
      (await loadActs()).runAct(options, async (client, all) => ({ wei: await all.withdraw(client, endpointId) })),
    )
  signs(
    program.command('call').description('ask an endpoint, and pay for the answer from the credit'),
    'call 1 "Where is my parcel?"',
  )
    .argument('<endpoint>', 'its id', wholeId)
    .argument('<prompt...>', 'the question')
    .option('--max-tokens <number>', 'the longest answer', positiveWhole)
    .option('--open', 'let prompt and answer be shown, so that their sources share the fee')
    .action(async (endpointId: bigint, words: string[], options: ActOptions & { maxTokens?: number; open?: boolean }) =>
      (await loadActs()).runAct(options, (client, all) =>
        all.callEndpoint(client, {
          ...{ endpointId, prompt: words.join(' '), open: options.open ?? false },
          ...(options.maxTokens && { maxTokens: options.maxTokens }),
        }),
      ),
    )
  const usage = program
    .command('usage')
    .description('what answered calls came to, by hour or day; of an API key’s account, or all for operators')
  reads(usage, 'usage --from 2026-11-01 --by endpoint')
    .addOption(new Option('--every <period>', 'the length of the periods').choices(['hour', 'day']).default('day'))
    .option('--from <time>', 'the first day or time (default: seven days before the end)', pointInTime)
    .option('--to <time>', 'the end (default: now)', pointInTime)
    .addOption(new Option('--by <what...>', 'also divided by').choices(['key', 'endpoint', 'consumer']))
    .option('--key <id>', 'only calls of this key, by its id')
    .option('--endpoint <id>', 'only calls of this endpoint')
    .addHelpText('after', '\nThe key of the API is MODELCOMMONS_API_KEY.')
    .action(async ({ every, from, to, by, key, endpoint, ...options }) =>
      (await loadActs()).runRead(options, (client, all) =>
        all.listUsage(client, { every, from: from ?? weekBefore(to), to, by, keyId: key, endpointId: endpoint }),
      ),
    )
  const receipt = program.command('receipt').description('receipts of answered calls')
  reads(
    receipt
      .command('verify')
      .description('check a receipt against its signature, and with a chain, that its host signed'),
    'receipt verify answer.json --api https://api.example',
  )
    .argument('<file>', 'the JSON of a receipt, as `call --json` prints it and `GET /v1/receipts/ID` gives it')
    .addHelpText('after', '\nWithout --api, --node and MODELCOMMONS_API, nothing is asked of anybody.')
    .action(async (file: string, options) => (await import('./receiptFile.ts')).verifyReceiptFile(file, options))
  signs(
    receipt.command('countersign').description('sign the receipt of an own call, and keep that beside it'),
    'receipt countersign answer.json',
  )
    .argument('<file>', 'the JSON of the receipt')
    .action(async (file: string, options) => (await import('./receiptFile.ts')).countersignReceiptFile(file, options))
  reads(
    receipt.command('delete-texts').description('delete prompts and answers of own calls at once; their receipts stay'),
    'receipt delete-texts --before 2026-11-01',
  )
    .argument('[id...]', 'the calls, by their receipts')
    .option('--before <time>', 'instead: all calls that ended before this day or time', pointInTime)
    .addHelpText('after', '\nThe key of the API is MODELCOMMONS_API_KEY; only calls of its account are deleted.')
    .action(async (ids: string[], options: ActOptions & { before?: Date }) => {
      const { before } = options
      if (ids.length > 0 === (before !== undefined))
        throw new InvalidArgumentError('Name calls, or give --before: one of both.')
      await (await loadActs()).runRead(options, (client, all) => all.deleteTexts(client, before ? { before } : { ids }))
    })
}
