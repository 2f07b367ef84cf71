import { Command, InvalidArgumentError, Option } from 'commander'

/** The one program. Each command's code is loaded when it is asked for, so that `--help` answers at once. */
const program = new Command('modelcommons')
  .description('The public life of community-owned AI models, from proposal to reward.')
  .version('0.1.0')
  .showHelpAfterError('(modelcommons --help lists the commands)')

const whole = (text: string) => {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('expected a whole number')
  return value
}

program
  .command('up')
  .description('run everything: database, chain, indexer, API, worker and page; plays the example on an empty chain')
  .option('--no-example', 'leave an empty chain empty')
  .action(async (options) => (await import('./up.ts')).up(options))

program
  .command('demo')
  .description('play one whole lifecycle on a fresh state, check every stage, and exit')
  .option('--json', 'print one JSON object as the last line')
  .option('--seed <number>', 'fixes everything that is random', whole, 1)
  .option('--keep <folder>', 'leave the chain state, the database and the artifacts there')
  .action(async (options) => (await import('./demo.ts')).demo(options))

program
  .command('index')
  .description('run the indexer alone (DATABASE_URL, RPC_URL, DEPLOYMENT), or follow any OpenZeppelin Governor')
  .option('--rewind', 'when the chain no longer holds a block that was final, go back to the last one in common')
  .option(
    '--governor <address>',
    'follow this Governor (RPC_URL) with its token and its timelock, which are asked of it',
  )
  .option('--start-block <number>', 'the block in which its token was deployed, or one before', whole)
  .option('--token <address>', 'its votes token, where it does not say')
  .option('--timelock <address>', 'its timelock, where it does not say')
  .option('--config <file>', 'follow the Governors that this file names, on any number of chains')
  .option('--chain <id>', 'of the file’s chains, this one alone', whole)
  .action(async (options) => (await import('./indexCommand.ts')).runIndexer(options))

program
  .command('api')
  .description('run the GraphQL API alone (DATABASE_URL, RPC_URL, DEPLOYMENT, or --config)')
  .option('--config <file>', 'answer for the Governors that this file names')
  .option('--chain <id>', 'of the file’s chains, this one', whole)
  .action(async (options) => (await import('./services.ts')).runApi(options))

program
  .command('reconcile')
  .description('compare a seeded sample of the index with what the contracts say, and say where they differ')
  .option('--config <file>', 'of the Governors that this file names; else of the deployment’s')
  .option('--chain <id>', 'of the file’s chains, this one alone', whole)
  .option('--samples <number>', 'how many holders, and how many proposals, of each Governor', whole, 100)
  .option('--seed <text>', 'draws the same sample again')
  .action(async (options) => (await import('./reconcile.ts')).runReconcile(options))

program
  .command('worker')
  .description('run a worker alone, also on another machine (DATABASE_URL, RPC_URL, DEPLOYMENT, OPERATOR_KEY, S3_*)')
  .action(async () => (await import('./services.ts')).runWorker())

program
  .command('deploy')
  .description('deploy the contracts to RPC_URL with OPERATOR_KEY and write the deployment file')
  .requiredOption('--out <file>', 'the deployment file to write')
  .action(async (options) => (await import('./deploy.ts')).deploy(options))

program
  .command('migrate')
  .description('bring the database at DATABASE_URL to the newest schema')
  .action(async () => (await import('./services.ts')).runMigrations())

program
  .command('doctor')
  .description('check this machine and the configured parts, and say what to mend')
  .action(async () => (await import('./doctor.ts')).doctor())

program
  .command('verify')
  .description(
    'recompute an epoch’s reward root from the chain and the artifacts alone, or compare the index with another',
  )
  .argument('<what>', 'an epoch, or `index`', (text: string) => (text === 'index' ? text : whole(text)))
  .option('--artifacts <folder>', 'of an epoch: the artifact folder (or S3_*)')
  .option('--against <url>', 'of the index: the API of another instance')
  .option('--clean', 'of the index: a fresh sync of the chain at RPC_URL')
  .option('--config <file>', 'of the index: that of the Governors which this file names')
  .option('--chain <id>', 'of the file’s chains, this one', whole)
  .action(async (what, options) =>
    what === 'index'
      ? (await import('./verifyIndex.ts')).verifyIndex(options)
      : (await import('./verifyEpoch.ts')).verify(what, options),
  )

program
  .command('replay')
  .description('serve a folder of recorded events (replay.json) as a chain over JSON-RPC')
  .argument('<folder>', 'the folder')
  .option('--port <number>', 'where to listen; 0 takes a free port', whole, 8545)
  .addOption(
    new Option('--heights <kind>', 'blocks numbered one after the other, or as they were recorded, with the empty ones')
      .choices(['dense', 'recorded'])
      .default('dense'),
  )
  .action(async (folder, options) => (await import('./replay.ts')).replay(folder, options))

program
  .command('export')
  .description('write all rows of a query’s one list, as of one moment')
  .argument('<query>', 'such as { contributions { nodes { id status } } }')
  .option('--url <url>', 'the API', 'http://127.0.0.1:4000')
  .option('--format <format>', 'csv or jsonl', 'csv')
  .option('--out <file>', 'a file instead of the standard output')
  .option('--key <key>', 'a key of the API')
  .action(async (query, options) => (await import('./export.ts')).exportRows(query, options))

// The engine is loaded for its own command alone.
if (process.argv[2] === 'models') (await import('./models.ts')).registerModels(program)
else program.command('models').description('list, import, inspect, train and run models on this machine')

const keys = program.command('keys').description('hand out and revoke access to the API')
keys
  .command('create')
  .description('make a key; it is shown once')
  .requiredOption('--account <address>', 'the account it acts for')
  .option('--role <role>', 'Consumer or Operator', 'Consumer')
  .option('--label <text>', 'what it is for', '')
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

try {
  await program.parseAsync()
} catch (error) {
  const { explain } = await import('./explain.ts')
  process.exitCode = explain(error)
}
