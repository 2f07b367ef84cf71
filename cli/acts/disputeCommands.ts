import { Argument, type Command } from 'commander'
import { DISPUTE_SUBJECTS, type DisputeSubject, GROUNDS } from '#rules/dispute.ts'
import { loadActs, reads, signs, wholeId } from './options.ts'
import type { ActOptions } from './runAct.ts'

interface DisputeOptions extends ActOptions {
  ground: string
  statement: string
}

/** Disputes: those that are open, and a new one, which needs no word between `dispute` and its subject. */
export function addDisputeCommands(program: Command): void {
  const dispute = program
    .command('dispute')
    .description('what is challenged: list it, or open a dispute, with a bond')
    .addHelpText('after', groundsText)
  reads(dispute.command('list').description('the open disputes'), 'dispute list --json').action(async (options) =>
    (await loadActs()).runRead(options, (client, all) => all.listDisputes(client)),
  )
  signs(
    dispute.command('open', { isDefault: true }).description('open a dispute, with a bond'),
    'dispute open Contribution 17 --ground offTopic --statement "The reply is about another order."',
  )
    .addArgument(new Argument('<subject>', 'what is challenged').choices(DISPUTE_SUBJECTS))
    .argument('<id>', 'of the subject', wholeId)
    .requiredOption('--ground <name>', 'what is wrong, as the rules name it')
    .requiredOption('--statement <text>', 'what is wrong, in words; it is published')
    .addHelpText('after', groundsText)
    .action(async (subject: DisputeSubject, subjectId: bigint, options: DisputeOptions) =>
      (await loadActs()).runAct(options, async (client, all) => {
        const { ground, statement } = options
        return { dispute: await all.dispute(client, { subject, subjectId, ground, statement }) }
      }),
    )
}

/** What each subject is disputed on. */
const groundsText = (): string =>
  `\nGrounds:\n${Object.entries(GROUNDS)
    .map(([subject, grounds]) => `  ${subject}: ${Object.keys(grounds).join(', ')}`)
    .join('\n')}`
