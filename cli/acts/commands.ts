import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Support } from '#client/index.ts'
import { address, sampleColumns } from '../optionValues.ts'
import { addCallCommands } from './callCommands.ts'
import type { ContributeOptions } from './contributeFile.ts'
import { addDisputeCommands } from './disputeCommands.ts'
import { addHostCommands } from './hostCommands.ts'
import { addJudgeCommands } from './judgeCommands.ts'
import { loadActs, reads, readsOwn, relayed, signs, tokenAmount, wholeId } from './options.ts'
import type { ActOptions } from './runAct.ts'

/** What people do with their own account, a command for each verb of the client. Its code is loaded when a command runs. */
export function addActCommands(program: Command): void {
  addAccountCommands(program)
  addTokenCommands(program)
  addGovernanceCommands(program)
  addBondCommand(program)
  addDataCommands(program)
  addWithdrawCommands(program)
  addCallCommands(program)
  addJudgeCommands(program)
  addHostCommands(program)
  addClaimCommand(program)
  addDisputeCommands(program)
}

function addAccountCommands(program: Command): void {
  const account = program.command('account').description('the accounts of this home: encrypted files')
  const named = (command: Command) =>
    command
      .option('--account <name>', 'its name', 'default')
      .addHelpText('after', `\nExample:\n  modelcommons account ${command.name()} --account ada`)
  named(account.command('new').description('make a new key, in a file that a passphrase opens'))
    .option('--funded', 'give it test money: on the embedded chain alone')
    .option('--json', 'print JSON')
    .action(async (options) => (await import('./accountCommands.ts')).newAccount(options))
  named(
    account
      .command('fund')
      .description('give an account test money, up to 10000 of each token: on the embedded chain alone'),
  )
    .argument('[address]', 'any address, such as that of a wallet', address)
    .option('--json', 'print JSON')
    .action(async (to, options) => (await import('./accountCommands.ts')).fund(to, options))
  named(account.command('import').description('keep an existing key (the terminal asks, or MODELCOMMONS_KEY)'))
    .option('--json', 'print JSON')
    .action(async (options) => (await import('./accountCommands.ts')).importAccount(options))
  account
    .command('list')
    .description('the accounts of this home')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  modelcommons account list')
    .action(async (options) => (await import('./accountCommands.ts')).listAccounts(options))
  readsOwn(account.command('balance').description('what an account has, in tokens'), 'account balance')
    .argument('[address]', 'any address', address)
    .action(async (of, options) => (await import('./accountCommands.ts')).balance(of, options))
}

function addTokenCommands(program: Command): void {
  signs(program.command('wrap').description('turn native tokens into gOPEN'), 'wrap 5')
    .argument('<tokens>', 'how many', tokenAmount)
    .action(async (amount: bigint, options) =>
      (await loadActs()).runAct(
        options,
        (client, all) => all.wrap(client, amount),
        (all) => `The account has ${all.inGOpen(amount)} more.`,
      ),
    )
  signs(program.command('unwrap').description('turn gOPEN into native tokens'), 'unwrap 5')
    .argument('<tokens>', 'how many', tokenAmount)
    .action(async (amount: bigint, options) =>
      (await loadActs()).runAct(
        options,
        (client, all) => all.unwrap(client, amount),
        (all) => `${all.inGOpen(amount)} are native tokens again.`,
      ),
    )
  relayed(
    signs(
      program.command('delegate').description('let an account vote with what is locked; lock more with --lock'),
      'delegate 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --lock 100',
    ),
  )
    .argument('<account>', 'who votes; your own address to vote yourself', address)
    .option('--lock <tokens>', 'how much gOPEN to lock first', tokenAmount)
    .action(async (to: `0x${string}`, options: ActOptions & { lock?: bigint }) =>
      (await loadActs()).runAct(
        options,
        (client, all) => all.delegate(client, { to, lock: options.lock }),
        () => `${to} votes with all that the account has locked, on proposals whose vote begins from now on.`,
      ),
    )
  signs(
    program
      .command('unlock')
      .description('take back what is unlocked; with an amount, ask for it first: it votes no more'),
    'unlock 100',
  )
    .argument('[tokens]', 'how much of what is locked', tokenAmount)
    .action(async (amount: bigint | undefined, options: ActOptions) => {
      const { runAct } = await loadActs()
      if (amount === undefined)
        return runAct(
          options,
          (client, all) => all.unlock(client),
          () => 'What was unlocked is back in the account.',
        )
      return runAct(options, async (client, all) => ({
        availableAt: (await all.requestUnlock(client, amount)).toISOString(),
      }))
    })
  for (const [name, what, done] of [
    ['stake', 'stake gOPEN on a model', 'staked on'],
    ['unstake', 'take stake back from a model', 'taken back from'],
  ] as const)
    signs(program.command(name).description(what), `${name} 1 25`)
      .argument('<model>', 'its id', wholeId)
      .argument('<tokens>', 'how many', tokenAmount)
      .action(async (modelId: bigint, amount: bigint, options) =>
        (await loadActs()).runAct(
          options,
          (client, all) => all[name](client, { modelId, amount }),
          (all) => `${all.inGOpen(amount)} are ${done} model ${modelId}.`,
        ),
      )
}

function addGovernanceCommands(program: Command): void {
  reads(program.command('proposals').description('the newest proposals, with their tallies'), 'proposals').action(
    async (options) => (await loadActs()).runRead(options, (client, all) => all.listProposals(client)),
  )
  relayed(signs(program.command('vote').description('vote on a proposal'), 'vote 7125…88 for --reason "It is useful."'))
    .argument('<proposal>', 'its id', wholeId)
    .argument('<support>', 'for, against or abstain', (text) => {
      if (!['for', 'against', 'abstain'].includes(text))
        throw new InvalidArgumentError('Expected for, against or abstain.')
      return text
    })
    .option('--reason <text>', 'shown to everybody')
    .action(async (proposalId: bigint, support: Support, options: ActOptions & { reason?: string }) =>
      (await loadActs()).runAct(
        options,
        (client, all) => all.castVote(client, { proposalId, support, reason: options.reason }),
        () => `The vote is cast: ${support}.`,
      ),
    )
  for (const [name, what, verb, done] of [
    ['queue', 'queue a proposal that passed', 'queueProposal', 'is queued: `execute` carries it out after its delay'],
    ['execute', 'execute a queued proposal', 'executeProposal', 'is carried out'],
  ] as const)
    signs(program.command(name).description(what), `${name} 7125…88`)
      .argument('<proposal>', 'its id', wholeId)
      .action(async (proposalId: bigint, options) =>
        (await loadActs()).runAct(
          options,
          (client, all) => all[verb](client, proposalId),
          () => `The proposal ${done}.`,
        ),
      )
}

function addBondCommand(program: Command): void {
  signs(
    program.command('settle-bond').description('settle the bond of a model whose vote is over; anybody may'),
    'settle-bond 1',
  )
    .argument('<model>', 'its id', wholeId)
    .action(async (modelId: bigint, options) =>
      (await loadActs()).runAct(options, async (client, all) => {
        const foreseen = client.plan && (await all.foreseenBond(client, modelId))
        if (foreseen) (await import('./tell.ts')).tellNote(all.bondText(foreseen, { foreseen: true }), options)
        const settled = await all.resolveBond(client, modelId)
        return options.json ? settled : all.bondText(settled)
      }),
    )
}

function addDataCommands(program: Command): void {
  const datanet = program.command('datanet').description('where samples are gathered')
  reads(datanet.command('list').description('the datanets and their rules'), 'datanet list').action(async (options) =>
    (await loadActs()).runRead(options, (client, all) => all.listDatanets(client)),
  )
  signs(
    datanet.command('create').description('open a datanet for a model'),
    'datanet create 1 --licence CC-BY-4.0 --min-stake 0.01',
  )
    .argument('<model>', 'its id', wholeId)
    .requiredOption('--licence <name>', 'the SPDX name of the licence')
    .option('--min-stake <tokens>', 'the least stake on a sample (default: 0)', tokenAmount)
    .addOption(
      new Option('--compare <how>', 'how samples are compared').choices(['prose', 'code', 'exact']).default('prose'),
    )
    .action(async (modelId: bigint, options) =>
      (await loadActs()).runAct(options, async (client, all) => {
        const { licence, minStake = 0n, compare: comparison } = options
        return { datanet: await all.createDatanet(client, { modelId, licence, minStake, comparison }) }
      }),
    )
  relayed(
    signs(
      program.command('contribute').description('give samples to a datanet; run it again if it was interrupted'),
      'contribute samples.jsonl --datanet 1',
    ),
  )
    .argument('<file>', 'JSON Lines, CSV or Parquet with prompt and completion')
    .requiredOption('--datanet <id>', 'the datanet', wholeId)
    .option('--stake <tokens>', 'the stake on each sample (default: the least)', tokenAmount)
    .option(
      '--columns <prompt,completion>',
      'the columns (or fields) that are the prompt and the completion',
      sampleColumns,
    )
    .action(async (file: string, options: ContributeOptions) => {
      const { contributeFile } = await import('./contributeFile.ts')
      await (await loadActs()).runAct(options, (client) => contributeFile(client, file, options))
    })
  readsOwn(
    program
      .command('contributions')
      .description('what became of the account’s samples: verdicts, reasons and earnings'),
    'contributions --datanet 1',
  )
    .option('--datanet <id>', 'only of this datanet', wholeId)
    .action(async (options: ActOptions & { datanet?: bigint }) => {
      const { contributionRows } = await import('./contributionRows.ts')
      await (await loadActs()).runOwnRead(options, (client) => contributionRows(client, options))
    })
}

function addWithdrawCommands(program: Command): void {
  signs(
    program
      .command('withdraw-data')
      .description(
        'take back the account’s contributions for good: no dataset to come has them (rewards and stakes stay)',
      ),
    'withdraw-data 17 18 --reason "I had no right to give them."',
  )
    .argument('<contribution...>', 'their ids')
    .requiredOption('--reason <text>', 'why, for everybody to read')
    .action(async (ids: string[], options: ActOptions & { reason: string }) =>
      (await loadActs()).runAct(options, (client, all) =>
        all.withdrawContributions(client, { ids: ids.map(wholeId), reason: options.reason }),
      ),
    )
  signs(
    program
      .command('withdraw-stake')
      .description('take back the stakes on the account’s samples whose hold is over: all of them, or those of some'),
    'withdraw-stake',
  )
    .argument('[contribution...]', 'only of these, by their ids')
    .action(async (ids: string[], options: ActOptions) =>
      (await loadActs()).runAct(options, (client, all) =>
        all.withdrawStake(client, ids.length ? ids.map(wholeId) : undefined),
      ),
    )
}

function addClaimCommand(program: Command): void {
  relayed(signs(program.command('claim').description('pay out the rewards of the account'), 'claim')).action(
    async (options: ActOptions) => {
      const { claimRewards } = await import('./claimRewards.ts')
      await (await loadActs()).runAct(options, (client) => claimRewards(client, options))
    },
  )
}
