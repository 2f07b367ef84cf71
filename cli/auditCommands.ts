import { Argument, type Command, Option } from 'commander'
import { DOCUMENT_NAMES } from '#graphql/documents/names.ts'
import { address, httpUrl, positive, positiveWhole, verifiable } from './optionValues.ts'

/** What anybody verifies, copies and exports of a system. */
export function addAuditCommands(program: Command): void {
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
    .action(async (epoch, account, options) =>
      (await import('./rewardReasons.ts')).explainEpoch(epoch, account, options),
    )

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
    .description(
      'recompute every published reward map while it can be disputed, and dispute wrong ones with WATCHER_KEY',
    )
    .option('--interval <seconds>', 'the time between two rounds', positive, 15)
    .option('--once', 'check the maps of now; exit with 1 when one is wrong, with 2 when one cannot be checked')
    .option('--artifacts <folder>', 'the artifact folder (or S3_*)')
    .action(async (options) => (await import('./watch.ts')).watch(options))

  program
    .command('mirror')
    .description(
      'copy all artifacts by which published epochs are verified into a folder that any web server can serve',
    )
    .requiredOption('--to <folder>', 'the folder; what it has already is not copied again')
    .option('--epoch <number>', 'only this epoch', positiveWhole)
    .action(async (options) => (await import('./mirrorEpochs.ts')).mirror(options))

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
}
