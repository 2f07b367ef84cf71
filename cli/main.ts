import { Argument, Command, Option } from 'commander'
import { DOCUMENT_NAMES } from '#graphql/documents/names.ts'
import { VERSION } from '#schema/version.ts'
import { addActCommands } from './acts/commands.ts'
import { addModelCommands } from './model/commands.ts'
import { address, addresses, httpUrl, port, positive, positiveWhole, rate, verifiable, whole } from './optionValues.ts'
import { settingsHelp } from './settingFields.ts'

/** The command-line program. The code of a command is loaded when the command runs, so that `--help` prints at once. */
const program = new Command('modelcommons')
  .description('The public life of community-owned AI models, from proposal to reward.')
  .version(VERSION)

program
  .command('up')
  .description(
    'run everything: database, chain, indexer, API, worker and web page; on an empty chain the example runs too',
  )
  .option('--example', 'run the example on an empty development chain of RPC_URL, too')
  .option('--no-example', 'do not run the example on an empty chain')
  .action(async (options) => (await import('./up.ts')).up(options))

program
  .command('demo')
  .description('run one whole lifecycle on a fresh state, check every stage, and exit')
  .option('--json', 'print one JSON object as the last line')
  .option('--seed <number>', 'the seed of all random numbers', whole, 1)
  .option('--keep <folder>', 'keep the chain state, the database and the artifacts in this folder')
  .action(async (options) => (await import('./demo.ts')).demo(options))

program
  .command('index')
  .description('run the indexer alone (DATABASE_URL, RPC_URL, DEPLOYMENT), or follow any OpenZeppelin Governor')
  .option('--rewind', 'when a final block is no longer on the chain, roll back to the last common block')
  .option(
    '--governor <address>',
    'follow this Governor (RPC_URL) with its token and its timelock, which are read from the contract',
    address,
  )
  .option('--start-block <number>', 'the block in which its token was deployed, or an earlier one', whole)
  .option('--token <address>', 'its votes token, if the contract does not name it', address)
  .option('--timelock <address>', 'its timelock, if the contract does not name it', address)
  .option('--config <file>', 'follow the Governors of this configuration file, on any number of chains')
  .option('--chain <id>', 'only this chain of the file', positiveWhole)
  .action(async (options) => (await import('./indexCommand.ts')).runIndexer(options))

program
  .command('api')
  .description('run the GraphQL API alone (DATABASE_URL, RPC_URL, DEPLOYMENT, or --governor, or --config)')
  .option('--governor <address>', 'serve the index of this Governor (RPC_URL)', address)
  .option('--config <file>', 'serve the Governors of this configuration file')
  .option('--chain <id>', 'this chain of the file', positiveWhole)
  .action(async (options) => (await import('./services.ts')).runApi(options))

program
  .command('reconcile')
  .description('compare a random sample of the index with the contracts, and print the differences')
  .option('--governor <address>', 'this Governor (RPC_URL); by default those of the deployment', address)
  .option('--config <file>', 'the Governors of this configuration file')
  .option('--chain <id>', 'only this chain of the file', positiveWhole)
  .option('--samples <number>', 'how many holders and how many proposals of each Governor', positiveWhole, 100)
  .option('--seed <text>', 'repeats the sample of an earlier run')
  .action(async (options) => (await import('./reconcile.ts')).runReconcile(options))

program
  .command('worker')
  .description('run a worker alone, also on another machine (DATABASE_URL, RPC_URL, DEPLOYMENT, OPERATOR_KEY, S3_*)')
  .action(async () => (await import('./services.ts')).runWorker())

program
  .command('deploy')
  .description('deploy the contracts to RPC_URL with OPERATOR_KEY and write the deployment file')
  .option('--settings <file>', 'the settings and the holders of roles, see below')
  .option('--demo', 'on a development chain: the settings of the embedded chain, and one key for every role')
  .requiredOption('--out <file>', 'the deployment file to write')
  .addHelpText('after', settingsHelp())
  .action(async (options) => (await import('./deploy.ts')).deploy(options))

program
  .command('migrate')
  .description('migrate the database at DATABASE_URL to the newest schema')
  .action(async () => (await import('./services.ts')).runMigrations())

program
  .command('backup')
  .description('write the database, the artifacts and the deployment file into a new folder, while the services run')
  .requiredOption('--out <folder>', 'the folder to create')
  .option('--with-objects', 'copy the objects of the bucket, too, and not only their names')
  .action(async (options) => (await import('./backup/backup.ts')).backup(options))

program
  .command('restore')
  .description('put a backup into an empty database and artifact store; the services must be stopped')
  .argument('<folder>', 'a folder of `modelcommons backup`')
  .option('--force', 'replace what the database has')
  .option('--no-journal', 'do not bring back the answers of after the backup')
  .action(async (folder, options) => (await import('./backup/restore.ts')).restore(folder, options))

program
  .command('doctor')
  .description('check this machine, the configured services and the alarms, and print what to fix')
  .option('--watch', 'check again and again, and print what changes')
  .option('--interval <seconds>', 'the time between two rounds', positive, 10)
  .option('--json', 'print one JSON object for each round')
  .action(async (options) => (await import('./doctor.ts')).doctor(options))

program
  .command('verify')
  .description(
    'recompute an epoch’s reward root from the chain and the artifacts alone, compare the index with another, or check the logs of evaluations whose items are opened',
  )
  .argument('<what>', 'an epoch, `index` or `evaluations`', verifiable)
  .option('--artifacts <folder>', 'for an epoch and evaluations: the artifact folder (or S3_*)')
  .option('--items <file>', 'for evaluations: items that their holder gave you')
  .option('--against <url>', 'for the index: the API of another instance', httpUrl)
  .option('--clean', 'for the index: a fresh sync of the chain')
  .option('--config <file>', 'for the index: the Governors of this configuration file')
  .option('--chain <id>', 'this chain of the file', positiveWhole)
  .action(async (what, options) =>
    what === 'index'
      ? (await import('./verifyIndex.ts')).verifyIndex(options)
      : what === 'evaluations'
        ? (await import('./verifyEvaluations.ts')).verifyEvaluations(options)
        : (await import('./verifyEpoch.ts')).verify(what, options),
  )

program
  .command('explain')
  .description('tell why an account earned what it did in an epoch')
  .argument('<epoch>', 'a published epoch', positiveWhole)
  .argument('<account>', 'the account', address)
  .option('--artifacts <folder>', 'the artifact folder (or S3_*)')
  .action(async (epoch, account, options) => (await import('./rewardReasons.ts')).explainEpoch(epoch, account, options))

program
  .command('counterfactual')
  .description('tell what each account would have earned in an epoch without one fact')
  .argument('<epoch>', 'a published epoch', positiveWhole)
  .option('--contribution <id>', 'without this contribution')
  .option('--judgement <task:validator>', 'without this judgement')
  .option('--duplicate <original:duplicate>', 'without the original, whose place its duplicate takes')
  .option('--artifacts <folder>', 'the artifact folder (or S3_*)')
  .action(async (epoch, options) => (await import('./rewardReasons.ts')).printCounterfactual(epoch, options))

program
  .command('watch')
  .description('recompute every published reward map while it can be disputed, and dispute wrong ones with WATCHER_KEY')
  .option('--interval <seconds>', 'the time between two rounds', positive, 15)
  .option('--once', 'check the maps of now; exit with 1 when one is wrong, with 2 when one cannot be checked')
  .option('--artifacts <folder>', 'the artifact folder (or S3_*)')
  .action(async (options) => (await import('./watch.ts')).watch(options))

program
  .command('mirror')
  .description('copy all artifacts by which published epochs are verified into a folder that any web server can serve')
  .requiredOption('--to <folder>', 'the folder; what it has already is not copied again')
  .option('--epoch <number>', 'only this epoch', positiveWhole)
  .action(async (options) => (await import('./mirrorEpochs.ts')).mirror(options))

program
  .command('replay')
  .description('serve a folder of recorded events (replay.json) as a chain over JSON-RPC')
  .argument('<folder>', 'the folder')
  .option('--port <number>', 'where to listen; 0 takes a free port', port, 8545)
  .addOption(
    new Option('--heights <kind>', 'number the blocks consecutively, or as recorded, with the empty blocks')
      .choices(['dense', 'recorded'])
      .default('dense'),
  )
  .action(async (folder, options) => (await import('./replay.ts')).replay(folder, options))

program
  .command('export')
  .description('write all rows of the one list of a query, as of one block')
  .argument('<query>', 'such as { contributions { nodes { id status } } }')
  .option('--url <url>', 'the API (default: MODELCOMMONS_API, or this machine)', httpUrl)
  .addOption(new Option('--format <format>', 'the format').choices(['csv', 'jsonl']).default('csv'))
  .option('--out <file>', 'write to a file instead of standard output')
  .option('--key <key>', 'an API key (default: MODELCOMMONS_API_KEY)')
  .action(async (query, options) => (await import('./export.ts')).exportRows(query, options))

program
  .command('document')
  .description('write a document about a version: its model card, datasheet, lineage events, provenance or samples')
  .addArgument(new Argument('<name>', 'which').choices(DOCUMENT_NAMES))
  .argument('<version>', 'the id of a version')
  .option('--url <url>', 'the API (default: MODELCOMMONS_API, or this machine)', httpUrl)
  .option('--out <file>', 'write to a file instead of standard output')
  .action(async (name, version, options) =>
    (await import('./versionDocument.ts')).versionDocument(name, version, options),
  )

program
  .command('mcp')
  .description('speak the Model Context Protocol over standard input and output, for agents that start their servers')
  .option('--api <url>', 'the API (default: MODELCOMMONS_API, or this machine)', httpUrl)
  .option('--consumer <address>', 'who pays, of an API that requires no keys', address)
  .option('--channel <id>', 'the payment channel that pays')
  .addHelpText('after', '\nThe key of the API is MODELCOMMONS_API_KEY. Agents over HTTP use the path /mcp of the API.')
  .action(async (options) => (await import('./mcp.ts')).serveStdio(options))

// The engine is loaded for this command only.
if (process.argv[2] === 'models') (await import('./models.ts')).registerModels(program)
else program.command('models').description('list, import, inspect, train and run models on this machine')

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
steward
  .command('pause')
  .description('let the steward begin nothing more for a model')
  .argument('<model>', 'the id of a model with a mandate')
  .requiredOption('--reason <text>', 'why, for everybody to read')
  .action(async (model, options) => (await import('./steward.ts')).pauseModel(model, options))
steward
  .command('resume')
  .description('end a pause, or try once more what has failed for good')
  .argument('<model>', 'the id of a model with a mandate')
  .action(async (model) => (await import('./steward.ts')).resumeModel(model))

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

addActCommands(program)
addModelCommands(program)

program
  .command('completion')
  .description('print a script with which a shell completes the words of this program')
  .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
  .addHelpText(
    'after',
    '\nExample:\n  modelcommons completion bash > ~/.local/share/bash-completion/completions/modelcommons',
  )
  .action(async (shell) => console.log((await import('./completion.ts')).completionScript(program, shell)))

for (const [command, path] of commandPaths(program))
  command.showHelpAfterError(
    command.commands.length ? `(${path} --help lists the commands)` : `(${path} --help describes this command)`,
  )

// `modelcommons jobs list | head`: who reads has enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

try {
  await program.parseAsync()
} catch (error) {
  const { explain } = await import('./explain.ts')
  process.exit(explain(error)) // connections that hang, or that interrupted work still holds, must not keep the process
}

/** Each command with the words that start it. */
function commandPaths(command: Command, parent = ''): [Command, string][] {
  const path = `${parent}${command.name()}`
  return [[command, path], ...command.commands.flatMap((each) => commandPaths(each, `${path} `))]
}
