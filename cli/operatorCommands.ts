import { type Command, Option } from 'commander'
import { address, addresses, positiveWhole, rate } from './optionValues.ts'

/** What an operator does with jobs, the steward, samples, keys and callers. */
export function addOperatorCommands(program: Command): void {
  const jobs = program.command('jobs').description('list, retry and cancel the jobs of the workers')
  const selecting = (command: Command) =>
    command
      .option('--status <status...>', 'Failed, Cancelled, Waiting, …')
      .option('--kind <kind...>', 'only these kinds of jobs')
      .option('--code <code>', 'only jobs whose error has this code, for example ARTIFACT_STORE')
      .option('--limit <number>', 'at most this many', positiveWhole, 100)
  selecting(jobs.command('list'))
    .description('list jobs, newest first')
    .action(async (options) => (await import('./jobs.ts')).listJobs(options))
  selecting(jobs.command('retry'))
    .description('try jobs again under their ids: those named, or a selection, oldest first')
    .argument('[id...]', 'the jobs')
    .action(async (ids, options) => (await import('./jobs.ts')).retry(ids, options))
  jobs
    .command('cancel')
    .description('cancel jobs')
    .argument('<id...>', 'the jobs')
    .action(async (ids) => (await import('./jobs.ts')).cancel(ids))

  const steward = program
    .command('steward')
    .description('what the steward does for each model; pause and resume it')
    .option('--explain', 'also what comes next, what it waits for, and why')
    .option('--json', 'print one JSON object')
    .action(async (options) => (await import('./steward.ts')).showSteward(options))
  // `--json` is an option of `steward`, too, which takes it wherever it stands.
  steward
    .command('pause')
    .description('let the steward begin nothing more for a model')
    .argument('<model>', 'the id of a model with a mandate')
    .requiredOption('--reason <text>', 'why, for everybody to read')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  modelcommons steward pause 7 --reason "A new rubric is voted on."')
    .action(async (model, _, command: Command) =>
      (await import('./steward.ts')).pauseModel(model, command.optsWithGlobals()),
    )
  steward
    .command('resume')
    .description('end a pause, or try once more what has failed for good')
    .argument('<model>', 'the id of a model with a mandate')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  modelcommons steward resume 7')
    .action(async (model, _, command: Command) =>
      (await import('./steward.ts')).resumeModel(model, command.optsWithGlobals()),
    )

  program
    .command('takedown')
    .description('stop serving a sample, and keep it out of the next dataset; no reward changes')
    .argument('<hash>', 'the contentHash of a contribution')
    .requiredOption('--reason <text>', 'why, for everybody to read; do not repeat the content')
    .option('--lift', 'end a takedown that is in force; its record stays')
    .action(async (hash, options) => (await import('./takedown.ts')).takedown(hash, options))
  program
    .command('takedowns')
    .description('the samples that were taken down, and the contributions that were withdrawn')
    .option('--json', 'print one JSON object')
    .action(async (options) => (await import('./takedown.ts')).listRemovals(options))

  const untraced = program
    .command('untraced')
    .description('answers that keep their epoch open, because they could not be traced to contributions')
  untraced
    .command('list')
    .description('list them, oldest first')
    .action(async () => (await import('./untraced.ts')).listUntraced())
  untraced
    .command('give-up')
    .description('let the epoch close without them: the part of their contributors goes to the others')
    .argument('[receipt...]', 'the answers')
    .option('--all', 'all of them')
    .action(async (receipts, options) => (await import('./untraced.ts')).giveUp(receipts, options))

  const keys = program.command('keys').description('manage API keys')
  keys
    .command('create')
    .description('create a key; it is shown once')
    .requiredOption('--account <address>', 'the account that the key acts for', address)
    .addOption(new Option('--role <role>', 'what the key may do').choices(['Consumer', 'Operator']).default('Consumer'))
    .option('--label <text>', 'a note about the key', '')
    .option('--requests-per-minute <number>', 'how many calls it may start in 60 seconds', rate)
    .option('--tokens-per-minute <number>', 'how many tokens its calls of 60 seconds may have', rate)
    .action(async (options) => (await import('./keys.ts')).createKey(options))
  keys
    .command('revoke')
    .description('revoke a key')
    .argument('<key>', 'the key, or the id that `keys list` shows')
    .action(async (key) => (await import('./keys.ts')).revokeKey(key))
  keys
    .command('list')
    .description('list the keys, newest first')
    .action(async () => (await import('./keys.ts')).listKeys())

  const callers = program
    .command('callers')
    .description('who may call an endpoint; an API without keys keeps nobody away')
  callers
    .command('allow')
    .description('list accounts: only these and the host may call the endpoint then')
    .argument('<endpoint>', 'the id of an endpoint')
    .argument('<account...>', 'addresses', addresses)
    .action(async (endpoint, accounts) => (await import('./endpointCallers.ts')).allowCallers(endpoint, accounts))
  callers
    .command('deny')
    .description('take accounts off the list')
    .argument('<endpoint>', 'the id of an endpoint')
    .argument('<account...>', 'addresses', addresses)
    .action(async (endpoint, accounts) => (await import('./endpointCallers.ts')).denyCallers(endpoint, accounts))
  callers
    .command('everybody')
    .description('lift the list: everybody may call the endpoint')
    .argument('<endpoint>', 'the id of an endpoint')
    .action(async (endpoint) => (await import('./endpointCallers.ts')).allowEverybody(endpoint))
  callers
    .command('list')
    .description('the lists of all endpoints that have one')
    .option('--json', 'print one JSON object')
    .action(async (options) => (await import('./endpointCallers.ts')).listCallers(options))
}
