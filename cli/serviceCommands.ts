import { type Command, Option } from 'commander'
import { address, httpUrl, port, positive, positiveWhole, whole } from './optionValues.ts'
import { settingsHelp } from './settingFields.ts'

/** What runs, serves or looks after a system, or a part of it. */
export function addServiceCommands(program: Command): void {
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
    .description('run the indexer alone (DATABASE_URL, RPC_URL, DEPLOYMENT), or follow a Governor of others')
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
    .command('mcp')
    .description('speak the Model Context Protocol over standard input and output, for agents that start their servers')
    .option('--api <url>', 'the API (default: MODELCOMMONS_API, or this machine)', httpUrl)
    .option('--consumer <address>', 'who pays, of an API that requires no keys', address)
    .option('--channel <id>', 'the payment channel that pays')
    .addHelpText(
      'after',
      '\nThe key of the API is MODELCOMMONS_API_KEY. Agents over HTTP use the path /mcp of the API.',
    )
    .action(async (options) => (await import('./mcp.ts')).serveStdio(options))
}
