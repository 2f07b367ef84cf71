import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getNamedType, isLeafType, isObjectType } from 'graphql'
import { createClient } from 'graphql-ws'
import { keccak256, stringToBytes, zeroHash } from 'viem'
import { expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import { openArtifacts } from '#cli/openArtifacts.ts'
import type { System } from '#cli/system.ts'
import { evaluationVerdicts } from '#cli/verifyEvaluations.ts'
import { type Client, connect, graphql, operate, waitForJob } from '#client/index.ts'
import { readConfig } from '#config'
import { contributors } from '#example/contributors.ts'
import { folderOfSeed, SCALES } from '#example/recipe.ts'
import { goldItems, testItems, validationItems } from '#example/skill/rubric.ts'
import { playExample } from '#example/story/index.ts'
import { startApi } from '#graphql/index.ts'
import { naming, publicTables } from '#graphql/publicTables.ts'
import { apiSchema } from '#graphql/schema.ts'
import { folderDocuments } from '#model/folderDocuments.ts'
import type { ArtifactStore } from '#schema/artifacts/index.ts'
import { type Database, openDatabase } from '#schema/database.ts'
import { documentBytes } from '#schema/documents.ts'
import { openQueues } from '#schema/queue.ts'
import { forkSource } from './forkSource.ts'

/** Sealed text is nowhere in what everybody may read, nor in what the processes write (amendment 14), after a whole lifecycle on the real system. */

const SEED = 7
const { items, samples, judged } = SCALES.small

type Started = Pick<System, 'url' | 'statusUrls' | 'rpcUrl' | 'databaseUrl' | 'deployment'>

/** The system in processes of its own, which log all that they can; `written` is what they wrote so far. */
async function startLogging(home: string): Promise<{ system: Started; written: string[] }> {
  const written: string[] = []
  const child = forkSource('test/systemChild.ts', [], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'advanced', // deployments have bigints
    env: { ...process.env, ...{ MODELCOMMONS_HOME: home, MODELCOMMONS_DEVICE: 'cpu', PORT: '0', LOG_LEVEL: 'trace' } },
  })
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (part) => written.push(String(part)))
  onTestFinished(async () => {
    if (child.connected) child.disconnect()
    if (child.exitCode === null) await once(child, 'exit')
  })
  const [system] = await Promise.race([
    once(child, 'message') as Promise<[Started]>,
    once(child, 'exit').then(() => Promise.reject(new Error(`The system did not start: ${written.join('')}`))),
  ])
  return { system, written }
}

/** The fields of a type that have no fields of their own. */
function leavesOf(name: string): string {
  const type = apiSchema().getType(name)
  if (!isObjectType(type)) throw new Error(`${name} is no type of the API.`)
  const fields = Object.values(type.getFields()).filter(
    (one) => isLeafType(getNamedType(one.type)) && one.args.length === 0,
  )
  return fields.map((one) => one.name).join(' ')
}

/** Reads subscriptions to everything that happens, until the test is over. */
function subscribeToAll(url: string, read: string[]) {
  const client = createClient({ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket })
  onTestFinished(async () => void (await client.dispose()))
  for (const query of [
    `subscription { jobs { ${leavesOf('JobRun')} } }`,
    `subscription { events { event { ${leavesOf('ChainEvent')} } } }`,
  ])
    client.subscribe(
      { query },
      { next: (news) => void read.push(JSON.stringify(news)), error: () => {}, complete: () => {} },
    )
}

const TEXT = graphql('query ($id: ID!) { artifact(id: $id) { text } }')
const JSON_OF = graphql('query ($id: ID!) { artifact(id: $id) { json } }')
const MONITOR = graphql(
  'mutation ($input: MonitorInput!, $key: String!) { monitorVersion(input: $input, idempotencyKey: $key) { id } }',
)

/** Lets jobs fail on sealed documents, faulty ones among them, and asks for these. */
async function provokeErrors(client: Client, store: ArtifactStore, faulty: readonly string[], read: string[]) {
  const tell = (error: unknown) => void read.push(String((error as Error).message))
  const promptsHash = await store.put(documentBytes({ prompts: ['a prompt of no item'] }))
  for (const [nth, goldPool] of faulty.entries()) {
    const input = { versionId: '1', promptsHash, goldPool, goldPercent: 50, tasks: 2 }
    await operate(client, 'compare', input, `provoked ${nth}`).catch(tell)
    for (const query of [TEXT, JSON_OF]) await client.ask<unknown, { id: string }>(query, { id: goldPool }).catch(tell)
  }
}

/** The rolling evaluation of the live version: with all items in one part, it finds what was logged before the version went live. */
async function measureAgain(client: Client, db: Database) {
  const { rows } = await db.query(
    `select version_id, json_agg(json_build_object('metric', metric, 'score', score::text, 'lower', lower::text, 'upper', upper::text, 'n', n::text)
       order by metric) as metrics from evaluation e join model m on m.live_version_id = e.version_id and m.to_block is null
     where e.to_block is null and metric <> 'winRate' group by version_id`,
  )
  const [{ version_id: versionId, metrics }] = rows
  const input = { versionId, period: 7, everySeconds: 3600, parts: 1 }
  const { monitorVersion: job } = await client.ask(MONITOR, { input, key: 'measured again' })
  const measured = await waitForJob<{ metrics: { metric: string }[] }>(client, job.id)
  expect(measured).toMatchObject({ versionId, part: 0, parts: 1 })
  expect(measured.metrics.toSorted((a, b) => (a.metric < b.metric ? -1 : 1))).toEqual(metrics)
}

/** What everybody may read of an API: all rows in both forms, and all artifacts that anything names. */
async function readAll(url: string, read: string[]): Promise<{ sealed: number }> {
  for (const { name, columns, ...table } of publicTables) {
    const shown = leavesOf(name)
      .split(' ')
      .filter((field) => columns.some(({ property }) => property === field))
    const query = `{ ${naming({ name, columns, ...table }).many} { nodes { ${shown.join(' ')} } } }`
    for (const form of ['jsonl', 'csv']) {
      const response = await fetch(`${url}/export.${form}?${new URLSearchParams({ query })}`)
      expect(response.status, name).toBe(200)
      read.push(await response.text())
    }
  }
  const names = new Set(read.join('\n').match(/0x[0-9a-f]{64}/g))
  let sealed = 0
  for (const name of names) {
    // The loop goes on with the names that it finds.
    const response = await fetch(`${url}/artifacts/${name}`)
    const text = await response.text()
    read.push(text)
    if (response.status === 403) sealed++
    for (const more of text.match(/0x[0-9a-f]{64}/g) ?? []) names.add(more)
  }
  return { sealed }
}

/** A text as somebody might have written it who thinks that nobody can read it. */
const disguisesOf = (text: string): string[] => [
  text,
  JSON.stringify(text).slice(1, -1),
  JSON.stringify(JSON.stringify(text).slice(1, -1)).slice(1, -1),
  text.replaceAll('"', '""'),
  Buffer.from(text).toString('hex'),
  Buffer.from(text).toString('base64').slice(0, -4),
  encodeURIComponent(text),
  keccak256(stringToBytes(text)).slice(2),
  createHash('sha256').update(text).digest('hex'),
]

test('whoever reads every table, export, subscription, artifact, error, log and metric finds no sealed item', async () => {
  const home = await mkdtemp(join(tmpdir(), 'modelcommons-sealed-'))
  await chmod(home, 0o755) // the database server may run as another user
  onTestFinished(() => rm(home, { recursive: true, force: true }))
  const { system, written } = await startLogging(home)
  const store = await openArtifacts(readConfig({ MODELCOMMONS_HOME: home }))
  const { url, rpcUrl, deployment } = system
  const client = await connect(url, { node: rpcUrl })
  const read: string[] = []
  subscribeToAll(url, read)
  const report = await playExample({ url, rpcUrl, seed: SEED, scale: 'small' })
  expect(report.stages.map(({ name }) => name)).toContain('balance') // it is too small to learn anything, but each stage runs

  const [sealedTest] = folderDocuments(folderOfSeed(SEED, SCALES.small, zeroHash), zeroHash).documents
  const text = new TextDecoder().decode(sealedTest?.bytes)
  const forms = [text, ` ${text}`, `\ufeff${text}`, text.slice(0, -2), text.replace('"prompt":', '"prompt":x')]
  const faulty = await Promise.all(forms.map((form) => store.put(new TextEncoder().encode(form))))
  await provokeErrors(client, store, faulty, read)

  const db = await openDatabase(system.databaseUrl)
  onTestFinished(() => db.close())
  await measureAgain(client, db)
  const queues = await openQueues({ databaseUrl: system.databaseUrl })
  onTestFinished(() => queues.close())
  const logged: object[] = []
  const api = await startApi({
    ...{ db, queues, artifacts: store, host: '127.0.0.1', port: 0, auth: 'keys', deployment },
    log: { error: (details) => void logged.push(details) },
  })
  onTestFinished(() => api.stop())
  // Whoever has the items, such as a resolver, finds every log right.
  const verdicts = await evaluationVerdicts(db, store)
  expect(verdicts.length).toBeGreaterThan(1)
  expect(verdicts.filter(({ text }) => !text.endsWith(': right.'))).toEqual([])
  const { sealed } = await readAll(api.url, read)
  expect(sealed).toBeGreaterThanOrEqual(2 + forms.length) // test and validation items, the gold pool, and the other forms
  expect(logged).toEqual([])
  for (const place of [url, api.url, ...Object.values(system.statusUrls)])
    if (place) read.push(await (await fetch(`${place}/metrics`)).text())
  for (const file of await readdir(home, { recursive: true }))
    if (file.endsWith('.log')) read.push(await readFile(join(home, file), 'utf8'))
  expect(written.join('')).toContain('worker ready')
  expect(read.join('\n')).toContain('is not JSON')

  const all = [...read, ...written].join('\n')
  // An adversary of the example submits some test items, slightly changed: those are not secret any more.
  const submitted = contributors(SEED, testItems(SEED, items.test), samples).flatMap((one) => one.samples)
  const held = [...testItems(SEED, items.test), ...validationItems(SEED, items.validation)].filter(
    (item) =>
      !submitted.some(({ prompt, completion }) => prompt.includes(item.prompt) || completion === item.completion),
  )
  expect(held.length).toBeGreaterThan(20)
  // The prompts of gold are compared in public; the right answers open with the round.
  const opened = read.filter((one) => one.includes('"truth"')).join('\n')
  const unused = goldItems(SEED, judged.prompts, judged.gold).filter(({ completion }) => !opened.includes(completion))
  expect(unused.length).toBeGreaterThan(0)
  const secret = [
    ...held.flatMap(({ prompt, completion }) => [prompt, completion]),
    ...unused.map((one) => one.completion),
  ]
  for (const one of secret)
    for (const form of disguisesOf(one)) expect(all.includes(form), `${one} as ${form}`).toBe(false)
}, 900_000)
