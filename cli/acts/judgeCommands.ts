import type { Command } from 'commander'
import { loadActs, readsOwn, signs, tokenAmount, wholeId } from './options.ts'
import type { ActOptions } from './runAct.ts'

/** What validators do. */
export function addJudgeCommands(program: Command): void {
  const judge = signs(
    program
      .command('judge')
      .description('reveal what is due, then judge comparisons in the terminal, or from a file; run it again to reveal')
      .option('--file <file>', 'judgements as JSON Lines: {"task": 12, "choice": "first", "ethics": 80, …}'),
    'judge --file judgements.jsonl',
  ).action(async (options: ActOptions & { file?: string }) => {
    const { judgeAtDesk, judgeFromFile } = await import('./judgeActs.ts')
    const { file } = options
    await (await loadActs()).runAct(options, (client) =>
      file ? judgeFromFile(client, file, options) : judgeAtDesk(client, options),
    )
  })
  readsOwn(
    judge.command('list').description('the comparisons at which the account has a seat'),
    'judge list --json',
  ).action(async (_, command: Command) => {
    const { listForJudge } = await import('./judgeActs.ts')
    const options = command.optsWithGlobals<ActOptions>()
    await (await loadActs()).runOwnRead(options, (client) => listForJudge(client, options))
  })
  signs(judge.command('stake').description('stake gOPEN to be drawn as a judge'), 'judge stake 10')
    .argument('<tokens>', 'how many', tokenAmount)
    .action(async (amount: bigint, _, command: Command) =>
      (await loadActs()).runAct(
        command.optsWithGlobals(),
        (client, all) => all.stakeAsValidator(client, amount),
        (all) => `${all.inGOpen(amount)} are staked to judge.`,
      ),
    )
  signs(judge.command('unstake').description('take stake back, when what was judged is settled'), 'judge unstake 10')
    .argument('<tokens>', 'how many', tokenAmount)
    .action(async (amount: bigint, _, command: Command) =>
      (await loadActs()).runAct(
        command.optsWithGlobals(),
        (client, all) => all.unstakeAsValidator(client, amount),
        (all) => `${all.inGOpen(amount)} are back in the account.`,
      ),
    )
  signs(judge.command('draw').description('draw the seats of a round, where nobody has; anybody may'), 'judge draw 3')
    .argument('<round>', 'its id', wholeId)
    .action(async (roundId: bigint, _, command: Command) =>
      (await loadActs()).runAct(
        command.optsWithGlobals(),
        (client, all) => all.drawSeats(client, roundId),
        () => `The seats of round ${roundId} are drawn: \`judge list\` shows an account its own.`,
      ),
    )
}
