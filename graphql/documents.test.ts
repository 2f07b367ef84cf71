import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Ajv, addFormats } from '@modelcontextprotocol/server/validators/ajv'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { Evaluation } from '#schema/onchain/models.ts'
import { insert } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { describedVersion } from './test/describedVersion.ts'

test('a version has a model card, a datasheet, lineage events, provenance and its samples; what was removed is in none of them', async () => {
  const { api, read, removedText } = await describedVersion()
  const card = await read('card.md')
  const metadata = parse(card.split('---\n')[1] ?? '')
  expect(metadata).toMatchObject({
    license: 'cc-by-4.0',
    model_name: 'Clerk # | of letters',
    'model-index': [{ results: [{ metrics: [{ name: 'exact', value: 0.8 }] }] }],
  })
  expect(card).toContain('| The base model | Apache-2.0 |')
  expect(card).toContain('No conflict among them is known.')
  expect(card).toContain('It meets every target of its mandate.')
  expect(card).toContain('3, of which 1 were taken down or withdrawn since')
  expect(card).toContain('The proposer’s own words.')
  const samples = await read('samples.jsonl')
  expect(
    samples
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).contribution),
  ).toEqual(['1', '2'])
  const sheet = JSON.parse(await read('croissant.json'))
  expect(sheet).toMatchObject({ license: ['CC0-1.0'], conformsTo: 'http://mlcommons.org/croissant/1.1' })
  const events = JSON.parse(await read('openlineage.json'))
  expect(events.map(({ job }: { job: { name: string } }) => job.name)).toEqual(['model/1/train', 'model/1/evaluate'])
  const provenance = JSON.parse(await read('prov.json'))
  expect(Object.keys(provenance.entity)).toEqual(
    expect.arrayContaining(['mc:version-2', 'mc:contribution-1', 'mc:contribution-2', 'mc:version-1']),
  )
  for (const name of ['card.md', 'croissant.json', 'openlineage.json', 'prov.json', 'samples.jsonl'])
    expect(await read(name)).not.toContain(removedText)
  expect(await read('prov.json')).not.toContain('contribution-3')

  const { modelVersion } = (await api.ask('{ modelVersion(id: "2") { card documents { name path } } }')).data
  expect(modelVersion.card).toContain('# Clerk # | of letters, version 2')
  expect(modelVersion.documents).toContainEqual({ name: 'prov.json', path: '/versions/2/prov.json' })
})

const RECORDED = join(import.meta.dirname, '..', 'test', 'checks', 'exports', 'recorded')

test('the documents are those that the libraries of Croissant, OpenLineage, PROV and Hugging Face parsed without a warning', async () => {
  const { api, read } = await describedVersion()
  const parsed: Record<string, string> = {}
  for (const name of ['card.md', 'croissant.json', 'openlineage.json', 'prov.json', 'samples.jsonl']) {
    const text = (await read(name)).replaceAll(api.url, 'http://127.0.0.1:4000')
    await expect(text).toMatchFileSnapshot(join(RECORDED, name))
    parsed[name] = createHash('sha256').update(text).digest('hex')
  }
  const verdict = JSON.parse(await readFile(join(RECORDED, 'verdict.json'), 'utf8'))
  expect(verdict.parsed, 'Run `npm run check -- exports`: a document changed.').toEqual(parsed)
  expect(verdict.warnings).toEqual([])
})

test('lineage events are what the schemas of OpenLineage demand', async () => {
  // They use nothing in which the drafts of JSON Schema differ.
  const ajv = new Ajv({ strict: false, validateSchema: false })
  addFormats(ajv)
  const folder = join(RECORDED, '..', 'openlineage')
  for (const name of ['OpenLineage', 'DatasetVersionDatasetFacet', 'DocumentationJobFacet'])
    ajv.addSchema(JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8')))
  const faultsOf = (schema: string, value: unknown) => {
    const validate = must(ajv.getSchema(schema))
    return validate(value) ? [] : validate.errors
  }
  const { read } = await describedVersion()
  const events = JSON.parse(await read('openlineage.json'))
  for (const { schemaURL, ...event } of events) {
    expect(faultsOf(schemaURL, { schemaURL, ...event })).toEqual([])
    expect(faultsOf(schemaURL, event)).not.toEqual([])
    for (const { facets } of [event.job, ...event.inputs, ...event.outputs])
      for (const [name, facet] of Object.entries<{ _schemaURL: string; _producer: string }>(facets)) {
        expect(faultsOf(facet._schemaURL, { [name]: facet })).toEqual([])
        expect(faultsOf(facet._schemaURL, { [name]: { ...facet, _producer: 'nobody' } })).not.toEqual([])
      }
  }
})

test.each([
  [[710_000n, 860_000n], 'This one is not significantly worse in anything that may not fall.'],
  [
    [870_000n, 910_000n],
    'This one is significantly worse in what may not fall: exact 0.8 (0.71 to 0.86, 100 items) against 0.88 (0.87 to 0.91, 100 items).',
  ],
] as const)('a model card says how the version stands beside the live one: %s', async ([lower, upper], comparison) => {
  const { api, read } = await describedVersion()
  const alone = 'It meets every target of its mandate.\n\n## Use'
  expect(await read('card.md')).toContain(alone)
  await api.db.query(`update target set may_fall = false`)
  const live = async (id: string, rubricHash = `0x${'c'.repeat(64)}`) => {
    await api.db.query('update model set live_version_id = $1', [id])
    const measured = { versionId: id, rubricHash, metric: 'exact', n: 100, lower, upper }
    await insert(api.db, Evaluation, { id: `1${id}`, ...measured, score: lower + 10_000n })
  }
  await live('1')
  expect(await read('card.md')).toContain(`Version 1 is live. ${comparison}\n\n## Use`)
  await live('3')
  expect(await read('card.md')).toContain(`Version 3 is live, and newer: this one cannot replace it. ${comparison}`)
  await live('4', `0x${'7'.repeat(64)}`)
  expect(await read('card.md')).toContain('Nothing that may not fall was measured of both.')
  await api.db.query('update model set live_version_id = $1', ['2'])
  expect(await read('card.md')).toContain(alone)
})

test('a proposer who names sealed items as the model card publishes none of them', async () => {
  const items = '{"items":[{"prompt":"the canary of an item","completion":"c"}]}'
  const { api, read } = await describedVersion({ card: items })
  const { modelVersion } = (await api.ask('{ modelVersion(id: "2") { card } }')).data
  for (const card of [await read('card.md'), modelVersion.card]) {
    expect(card).toContain('## Sources')
    expect(card).not.toContain('canary')
  }
})

test('what does not exist is told so', async () => {
  const { api } = await describedVersion()
  const statusOf = async (path: string) => (await fetch(`${api.url}${path}`)).status
  expect(await statusOf('/versions/9/card.md')).toBe(404)
  expect(await statusOf('/versions/2/other')).toBe(404)
  expect(await statusOf('/versions/2/constructor')).toBe(404)
  expect((await api.ask('{ modelVersion(id: "1") { card } }')).data.modelVersion.card).toBe(null)
})
