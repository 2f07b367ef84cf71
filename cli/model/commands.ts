import { type Command, Option } from 'commander'
import { loadActs, reads, signs, wholeId } from '../acts/options.ts'
import type { ActOptions } from '../acts/runAct.ts'
import { sampleColumns } from '../optionValues.ts'

/** A model as a folder. The code of a command is loaded when it runs. */
export function addModelCommands(program: Command): void {
  const model = program
    .command('model')
    .description('models: list them; make one as a folder, check it, propose it, follow it')
  model
    .command('init')
    .description('make a model folder')
    .argument('<folder>', 'a new folder')
    .addOption(
      new Option('--template <name>', 'what the model does')
        .choices(['classify', 'extract', 'chat'])
        .default('classify'),
    )
    .option('--name <text>', 'the name of the model (default: of the folder)')
    .option('--base <folder>', 'the base model: a Hugging Face folder')
    .option('--data <file>', 'samples (JSON Lines, CSV, Parquet), to be divided among rubric, validation and seed data')
    .option(
      '--columns <prompt,completion>',
      'the columns (or fields) of the data that are the prompt and the completion',
      sampleColumns,
    )
    .option('--licence <name>', 'the SPDX name of the licence of the model and its samples', 'CC-BY-4.0')
    .option('--base-licence <name>', 'that of the base model (default: what its README says)')
    .option('--json', 'print JSON')
    .addHelpText('after', example('model init parcels --template classify --base ./tiny-llama --data samples.jsonl'))
    .action(async (folder, options) => (await import('./folderCommands.ts')).initModel(folder, options))
  model
    .command('check')
    .description('look for every mistake in a model folder; ends with 1 when there is one')
    .argument('<folder>')
    .option('--json', 'print JSON')
    .addHelpText('after', example('model check parcels'))
    .action(async (folder, options) => (await import('./folderCommands.ts')).checkModel(folder, options))
  for (const parent of [model, program])
    signs(
      parent
        .command('propose')
        .description('publish a model folder, lock the bond, and open the vote; run it again if it was interrupted'),
      parent === model ? 'model propose parcels --dry-run' : 'propose parcels --dry-run',
    )
      .argument('<folder>')
      .action(async (path: string, options: ActOptions) => {
        const folder = await (await import('./folderCommands.ts')).requireFolder(path)
        const { proposeFolder } = await import('#model/proposeFolder.ts')
        await (await loadActs()).runAct(options, (client) => proposeFolder(client, folder))
      })
  reads(
    model
      .command('list')
      .description('the models on the chain: how far each is, and the endpoint at which it is called'),
    'model list',
  ).action(async (options: ActOptions) => (await loadActs()).runRead(options, (client, all) => all.listModels(client)))
  reads(model.command('status').description('where a model folder stands, and what comes next'), 'model status parcels')
    .argument('<folder>')
    .option('--model <id>', 'this model, whatever the folder says now', wholeId)
    .action(async (path: string, options: ActOptions & { model?: bigint }) => {
      const folder = await (await import('./folderCommands.ts')).requireFolder(path, { formOnly: true })
      const { folderStatus, statusLines } = await import('#model/folderStatus.ts')
      await (await loadActs()).runRead(options, async (client) => {
        const status = await folderStatus(client, folder, options.model)
        return options.json ? status : statusLines(status)
      })
    })
  model
    .command('format')
    .description('describe the format of model.yaml and rubric/scorers.yaml')
    .option('--json', 'print JSON Schemas, for editors')
    .addHelpText('after', example('model format --json'))
    .action(async (options) => (await import('./folderCommands.ts')).describeFormat(options))
}

const example = (line: string) => `\nExample:\n  modelcommons ${line}`
