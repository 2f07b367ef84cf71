import { cp, readFile, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { documentBytes } from '#schema/documents.ts'
import { UPLOAD_PART_BYTES } from '#schema/folderListing.ts'
import { must } from '#test/must.ts'
import { checkFolder } from './checkFolder.ts'
import { problemText, warningText } from './problems.ts'
import { sealedItems } from './sealedItems.ts'
import { EXAMPLE_BASE, newFolder } from './test/newFolder.ts'

type NewFolder = Awaited<ReturnType<typeof newFolder>>

const problemsOf = async ({ path, now }: NewFolder) => (await checkFolder(path, { now })).problems.map(problemText)

const item = (prompt: string, completion: string) => `${JSON.stringify({ prompt, completion })}\n`

test.each(['classify', 'extract', 'chat'] as const)(
  'a new folder of the template %s has no mistake',
  async (template) => {
    const made = await newFolder(template)
    const { folder, problems, warnings } = await checkFolder(made.path, { now: made.now })
    expect([problems, warnings]).toEqual([[], []])
    expect(folder?.model).toMatchObject({
      format: 1,
      mandate: { deadline: '2031-12-31' },
      base: { licence: 'Apache-2.0' },
    })
    expect(folder?.seedData).toHaveLength(4)
  },
)

test('every mistake in the form of model.yaml is told at once, with its line and what to do', async () => {
  const made = await newFolder()
  await made.edit(
    'model.yaml',
    ['format: 1', 'format: 2'],
    ['purpose:', 'purposse:'],
    ['licence: CC-BY-4.0', 'licence: cc-by-4.0'],
    ['licence: Apache-2.0', 'licence: Appache'],
    ['maxPromptLength: 100', 'maxPromptLength: lots'],
    ['comparison: prose', 'comparison: poetry'],
    ['minStake: 0.01', 'minStake: -1'],
    ['owner: 1500', 'owner: 15.5'],
    ['metric: accuracy', 'metric:'],
    ['priceOut: 0.002', 'priceOot: 0.002'],
  )
  expect(await problemsOf(made)).toEqual([
    'model.yaml:2:1: format must be 1, the version of this format.',
    'model.yaml:2:1: purpose is missing: What it is for, for those who vote about it.',
    'model.yaml:4:1: purposse is no key of this format. Did you mean purpose?',
    'model.yaml:5:1: licence must be written CC-BY-4.0.',
    'model.yaml:9:3: base.licence must be an SPDX name such as Apache-2.0 or CC-BY-4.0 (spdx.org/licenses), or LicenseRef-NAME for terms that SPDX does not list; got "Appache".',
    'model.yaml:14:3: samples.maxPromptLength must be a number, not "lots".',
    'model.yaml:15:3: samples.comparison must be one of prose, code, exact, not "poetry".',
    'model.yaml:16:3: samples.minStake must be an amount of gOPEN, such as 50 or "0.01".',
    'model.yaml:21:7: mandate.targets.0.metric must be a text, not empty.',
    'model.yaml:25:5: mandate.split.owner must be a whole number, not 15.5.',
    'model.yaml:32:1: serving.priceOut is missing: For 1,000 tokens of answers, in gOPEN.',
    'model.yaml:34:3: serving.priceOot is no key of this format. Did you mean priceOut?',
  ])
})

test('terms that the contract would refuse or that nothing can meet are mistakes', async () => {
  const made = await newFolder()
  await made.edit(
    'model.yaml',
    ['owner: 1500', 'owner: 1400'],
    ['ancestors: 1000', 'ancestors: 4000'],
    ['2031-12-31', '2029-12-31'],
    ['metric: accuracy', 'metric: accurracy'],
    ['licence: Apache-2.0', 'licence: CC-BY-SA-4.0'],
    ['completionPattern: ', 'completionPattern: "(" #'],
  )
  expect(await problemsOf(made)).toEqual([
    'model.yaml:9:3: base.licence: What is made of works under CC-BY-SA-4.0 must stay under CC-BY-SA-4.0 or GPL-3.0-only or GPL-3.0-or-later. The model would be under CC-BY-4.0.',
    expect.stringMatching(/^model.yaml:12:3: samples.completionPattern: Invalid regular expression/),
    'model.yaml:19:3: mandate.deadline 2029-12-31 is over. Choose a later day.',
    'model.yaml:21:7: No scorer gives accurracy. rubric/scorers.yaml has accuracy.',
    'model.yaml:23:3: mandate.split: owner, stakers, data, validators and host sum to 9900, not 10000. Add 100.',
    'model.yaml:30:5: mandate.split.ancestors must be at most 3000, not 4000.',
  ])
})

test('a mistake of form hides no other: terms, targets, scorers, samples and their lengths are judged by what can be read', async () => {
  const made = await newFolder()
  await made.edit(
    'model.yaml',
    ['purpose:', 'purposse:'],
    ['minimum: 0.5', 'minimum: half'],
    ['owner: 1500', 'owner: 1400'],
    ['metric: accuracy', 'metric: accurracy'],
    ['maxPromptLength: 100', 'maxPromptLength: 20'],
  )
  await made.edit('rubric/scorers.yaml', [
    'metrics:',
    'metrics:\n  - { name: accuracy, kind: exactly }\n  - { name: parts, kind: fields }',
  ])
  await made.write('seed-data/samples.jsonl', item('I am jane.doe@acme-tools.io, so there.', 'maybe'))
  const refused = 'seed-data/samples.jsonl:1: It would be refused as'
  expect(await problemsOf(made)).toEqual([
    'model.yaml:2:1: purpose is missing: What it is for, for those who vote about it.',
    'model.yaml:4:1: purposse is no key of this format. Did you mean purpose?',
    'model.yaml:21:7: No scorer gives accurracy. rubric/scorers.yaml has accuracy, parts, accuracy.',
    expect.stringMatching(/^model.yaml:22:7: mandate.targets.0.minimum must be a number, not "half"/),
    'model.yaml:23:3: mandate.split: owner, stakers, data, validators and host sum to 9900, not 10000. Add 100.',
    expect.stringMatching(/^rubric\/scorers.yaml:4:\d+: metrics.0.kind must be one of/),
    expect.stringMatching(/^rubric\/scorers.yaml:5:\d+: The metric parts compares fields but has no separator/),
    expect.stringMatching(/^rubric\/scorers.yaml:6:\d+: There is a scorer accuracy already/),
    `${refused} malformed: The prompt has 38 characters; at most 20 are asked for.`,
    `${refused} malformed: The completion is not of the form asked for, negative|positive: prompt: a text. completion: its label.`,
    `${refused} personalData: Holds personal data (e-mail address) in the prompt, line 1. Replace it by an invented value.`,
  ])
})

test('a policy that the folder’s own data can never meet is a warning, and no mistake', async () => {
  const made = await newFolder()
  const judge = `  judge: { prompts: "0x${'1'.repeat(64)}", settings: { tasks: 12, potWei: "0" } }\n`
  const align = `  align: { prompts: "0x${'1'.repeat(64)}", judged: 13 }\n`
  await made.edit('model.yaml', ['policy:\n', `policy:\n${judge}${align}`], ['samples: 4\n', 'samples: 100000\n'])
  const { folder, problems, warnings } = await checkFolder(made.path, { now: made.now })
  expect([problems, folder?.model.policy?.train?.samples]).toEqual([[], 100_000])
  expect(warnings.map(warningText)).toEqual([
    expect.stringMatching(/^model.yaml:37:\d+: warning: policy.align.judged is 13, and a version is judged by 12/),
    'model.yaml:42:5: warning: policy.train.samples is 100000, and seed-data has 4: no version is trained before others have given 99996 more that are accepted.',
  ])
})

test('judgement that costs more than the budget would never come: that is a mistake', async () => {
  const made = await newFolder()
  const judge = `  judge: { prompts: "0x${'1'.repeat(64)}", settings: { tasks: 12 } }\n`
  await made.edit('model.yaml', ['policy:\n', `policy:\n${judge}`])
  expect(await problemsOf(made)).toEqual([
    'model.yaml:36:3: policy.judge costs 0.012 gOPEN, 12 comparisons at potWei 1000000000000000, and mandate.budget is 0: nobody would ever judge. Raise the budget, or name a smaller potWei in policy.judge.settings.',
  ])
  await made.edit('model.yaml', ['budget: 0', 'budget: 0.012'])
  expect(await problemsOf(made)).toEqual([])
})

test('what is in two places, is too long, or is no sample is a mistake', async () => {
  const made = await newFolder()
  const [one = ''] = (await readFile(join(made.path, 'rubric/items.jsonl'), 'utf8')).split('\n')
  const { prompt, completion } = JSON.parse(one)
  await made.write('rubric/items.jsonl', `${one}\n${item('Fine soup today.', 'positive '.repeat(30).trim())}`)
  await made.write('validation/items.jsonl', `${item(prompt.toUpperCase(), completion)}nothing\n{"prompt": "a"}\n`)
  const seed = [
    item('A quiet room.', 'positive'),
    item('A quiet room.', 'positive'),
    item(`Well! ${prompt}`, 'negative'),
  ]
  await made.write(
    'seed-data/samples.jsonl',
    [
      ...seed,
      item('Rain on the road. '.repeat(60), 'negative'),
      item('Dry.', 'maybe'),
      item('I am jane.doe@acme-tools.io.', 'positive'),
    ].join(''),
  )
  const problems = await problemsOf(made)
  expect(problems).toEqual([
    expect.stringMatching(
      /^rubric\/items.jsonl:2: Its completion has \d+ tokens with its end; rubric\/scorers.yaml allows \d+ \(maxTokens\)\.$/,
    ),
    expect.stringMatching(/^rubric\/items.jsonl:2: Its prompt of \d+ tokens and an answer of 121 are too long/),
    'seed-data/samples.jsonl:2: It would be refused as duplicate: The same content was committed earlier, as contribution seed-data/samples.jsonl:1.',
    'seed-data/samples.jsonl:3: It holds an item of rubric/items.jsonl, validation/items.jsonl or judging/gold.jsonl. Remove it: the model must not learn what it is judged by.',
    'seed-data/samples.jsonl:4: It would be refused as malformed: The prompt has 1079 characters; at most 100 are asked for.',
    expect.stringMatching(
      /^seed-data\/samples.jsonl:4: Its prompt of \d+ tokens and an answer of \d+ are too long: the base model has 128 tokens. Shorten it by \d+\.$/,
    ),
    'seed-data/samples.jsonl:5: It would be refused as malformed: The completion is not of the form asked for, negative|positive: prompt: a text. completion: its label.',
    'seed-data/samples.jsonl:6: It would be refused as personalData: Holds personal data (e-mail address) in the prompt, line 1. Replace it by an invented value.',
    'validation/items.jsonl:1: It has the prompt of rubric/items.jsonl:1. Remove one of them.',
    'validation/items.jsonl:2: Not JSON. Send {"prompt": "...", "completion": "..."}.',
    'validation/items.jsonl:3: "completion" must be a string.',
  ])
})

test('a set that is sealed as more than an API takes is a mistake; one byte less is none', async () => {
  const made = await newFolder()
  const decoys = Array.from({ length: 130 }, (_, nth) => item(`Decoy ${nth} ${'a'.repeat(32_000)}`, 'positive'))
  const write = (last: number) =>
    made.write('rubric/decoys.jsonl', [...decoys, item('b'.repeat(last), 'positive')].join(''))
  await write(1)
  const { folder } = await checkFolder(made.path, { now: made.now })
  const { test: items, decoys: given } = must(folder)
  const left = UPLOAD_PART_BYTES - documentBytes(sealedItems(items, given)).length
  await write(1 + left)
  expect(await problemsOf(made)).toEqual([])
  await write(2 + left)
  expect(await problemsOf(made)).toEqual([
    'rubric/items.jsonl: It is published as 4,194,305 bytes, and an API takes at most 4,194,304. Shorten it.',
  ])
})

test('scorers that cannot work, and known answers that are not right by them, are mistakes', async () => {
  const made = await newFolder('extract')
  await made.write('rubric/items.jsonl', item('Two chairs, please.', 'two chairs'))
  await made.edit('rubric/scorers.yaml', [
    'metrics:',
    'metrics:\n  - name: parts\n    kind: fields\n  - name: facts\n    kind: exact',
  ])
  expect(await problemsOf(made)).toEqual([
    'rubric/items.jsonl:1: The metric facts compares JSON fields, but a right answer is not a JSON object.',
    'rubric/items.jsonl:1: Its completion, which should be right, does not score 1 by format. Correct the completion or the scorer.',
    'rubric/scorers.yaml:4:5: The metric parts compares fields but has no separator; name one.',
    'rubric/scorers.yaml:8:5: There is a scorer facts already. Give it another name.',
  ])
})

test('byte order marks and line ends of Windows are no mistakes; other encodings, empty and missing files are', async () => {
  const made = await newFolder()
  for (const file of [
    'model.yaml',
    'rubric/scorers.yaml',
    'rubric/items.jsonl',
    'rubric/salt',
    'seed-data/samples.jsonl',
  ]) {
    const text = await readFile(join(made.path, file), 'utf8')
    await made.write(file, `\uFEFF${text.replaceAll('\n', '\r\n')}`)
  }
  expect(await problemsOf(made)).toEqual([])
  await made.write('CARD.md', ' \n')
  await made.write('rubric/salt', `0x${'00'.repeat(32)}\n`)
  await made.write('rubric/items.jsonl', Buffer.from('\uFEFF{}', 'utf16le'))
  await made.write(
    'seed-data/samples.jsonl',
    Buffer.concat([Buffer.from(item('One.', 'positive')), Buffer.from([0x22, 0xe9, 0x22, 0x0a])]),
  )
  await rm(join(made.path, 'validation/items.jsonl'))
  await made.write('rubric/scorers.yaml', 'maxTokens: 8\nmetrics: [\n')
  expect(await problemsOf(made)).toEqual([
    'CARD.md: is empty.',
    'rubric/items.jsonl: is UTF-16. Save it as UTF-8.',
    'rubric/salt:1: must be 32 random bytes: 0x and 64 lower-case hex digits, as `openssl rand -hex 32` prints them.',
    expect.stringMatching(/^rubric\/scorers.yaml:\d+:\d+: is not YAML: /),
    'seed-data/samples.jsonl:2: is not UTF-8 here. Save the file as UTF-8.',
    'validation/items.jsonl: is missing. `modelcommons model init` shows what a folder has.',
  ])
  const none = join(made.path, 'none')
  expect(await problemsOf({ ...made, path: none })).toEqual([
    `${none}: is no folder. \`modelcommons model init\` makes one.`,
  ])
})

test('a base model that is missing, cut short, or of a form that the engine does not compute is a mistake', async () => {
  const made = await newFolder()
  await cp(EXAMPLE_BASE, join(made.path, 'base'), { recursive: true })
  const { folder } = await checkFolder(made.path, { now: made.now })
  await made.edit('model.yaml', [`folder: ${folder?.model.base.folder}`, 'folder: base'])
  expect(await problemsOf(made)).toEqual([])
  await truncate(join(made.path, 'base/model.safetensors'), 1_000_000)
  expect(await problemsOf(made)).toEqual([
    expect.stringMatching(
      /^model.yaml:8:3: base.folder: base\/model.safetensors is not a valid safetensors file: .*it is truncated\.$/,
    ),
  ])
  await made.edit('base/config.json', ['"model_type": "llama"', '"model_type": "mamba"'])
  expect(await problemsOf(made)).toEqual([
    expect.stringMatching(/^base\/config.json:\d+: .*model_type/),
    expect.stringMatching(/^model.yaml:8:3: base.folder: base\/model.safetensors is not a valid/),
  ])
  await made.edit('model.yaml', ['folder: base', 'folder: nowhere'])
  expect(await problemsOf(made)).toEqual(['model.yaml:8:3: base.folder: nowhere/config.json is missing.'])
  await made.edit('model.yaml', ['folder: nowhere', `stored: 0x${'ab'.repeat(32)}\n  folder: base`])
  expect(await problemsOf(made)).toEqual([
    expect.stringMatching(/^base\/config.json:\d+: .*model_type/),
    'model.yaml:7:1: base must have either folder or stored: a base model on this machine, or one that the API has already.',
    expect.stringMatching(/^model.yaml:9:3: base.folder: base\/model.safetensors is not a valid/),
  ])
})

test('a pattern that backtracks without end is told once, with the item that shows it', async () => {
  const made = await newFolder()
  const long = 'a'.repeat(40)
  const items = Array.from({ length: 8 }, (_, nth) => item(`Hostile item ${nth}, how do you feel?`, `${long}${nth}`))
  await made.write('rubric/items.jsonl', items.join(''))
  await made.write('seed-data/samples.jsonl', item('A sample about something else.', `${long}!`))
  const yaml = await readFile(join(made.path, 'model.yaml'), 'utf8')
  const pattern = /completionPattern: .*/.exec(yaml)?.[0] ?? ''
  await made.edit('model.yaml', [pattern, 'completionPattern: (a+)+'])
  await made.write(
    'rubric/scorers.yaml',
    'maxTokens: 8\nmetrics:\n  - name: accuracy\n    kind: regex\n    pattern: ^(a+)+$\n',
  )
  const started = performance.now()
  const problems = (await problemsOf(made)).filter(
    (problem) => problem.includes('pattern') || problem.includes('Pattern'),
  )
  expect(performance.now() - started).toBeLessThan(15_000)
  expect(problems).toEqual([
    expect.stringMatching(
      /^model.yaml:\d+:\d+: samples.completionPattern: The pattern takes too long on the completion of seed-data\/samples.jsonl:1\. Write it/,
    ),
    expect.stringMatching(
      /^rubric\/scorers.yaml:3:\d+: accuracy: The pattern takes too long on the completion of rubric\/items.jsonl:1\. Write it/,
    ),
  ])
})
