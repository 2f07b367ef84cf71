import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isObjectType } from 'graphql'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openLog } from '#cli/log.ts'
import { openArtifacts } from '#cli/openArtifacts.ts'
import { startSystem } from '#cli/system.ts'
import { readConfig } from '#config'
import { contributors } from '#example/contributors.ts'
import { SCALES } from '#example/recipe.ts'
import { testItems, validationItems } from '#example/skill/rubric.ts'
import { playExample } from '#example/story/index.ts'
import { startApi } from '#graphql/index.ts'
import { naming, publicTables } from '#graphql/publicTables.ts'
import { apiSchema } from '#graphql/schema.ts'
import { openDatabase } from '#schema/database.ts'
import type { TableDefinition } from '#schema/define.ts'
import { openQueues } from '#schema/queue.ts'

/** Sealed text is nowhere in what everybody may read (amendment 14), after a whole lifecycle on the real system. */

const SEED = 7
const { items, samples } = SCALES.small

/** The columns of a table that the API shows. */
function shownColumns({ name, columns }: TableDefinition): string[] {
  const type = apiSchema().getType(name)
  if (!isObjectType(type)) throw new Error(`${name} is no type of the API.`)
  const fields = type.getFields()
  return columns.map(({ property }) => property).filter((property) => fields[property] !== undefined)
}

test('whoever reads every table, export, artifact and metric finds no sealed item', async () => {
  const home = await mkdtemp(join(tmpdir(), 'modelcommons-sealed-'))
  await chmod(home, 0o755) // the database server may run as another user
  onTestFinished(() => rm(home, { recursive: true, force: true }))
  vi.stubEnv('LOG_LEVEL', 'silent')
  const config = readConfig({ MODELCOMMONS_HOME: home, MODELCOMMONS_DEVICE: 'cpu', PORT: '0', LOG_LEVEL: 'silent' })
  const system = await startSystem(config, openLog('test', config))
  onTestFinished(() => system.stop())
  const store = await openArtifacts(readConfig({ MODELCOMMONS_HOME: home }))
  const { url, rpcUrl, deployment } = system
  const report = await playExample({ url, rpcUrl, deployment, store, seed: SEED, scale: 'small' })
  expect(report.stages.map(({ name }) => name)).toContain('balance') // it is too small to learn anything, but each stage runs

  const db = await openDatabase(system.databaseUrl)
  onTestFinished(() => db.close())
  const queues = await openQueues({ databaseUrl: system.databaseUrl })
  onTestFinished(() => queues.close())
  const logged: object[] = []
  const api = await startApi({
    ...{ db, queues, artifacts: store, host: '127.0.0.1', port: 0, auth: 'keys', deployment },
    log: { error: (details) => void logged.push(details) },
  })
  onTestFinished(() => api.stop())

  const read: string[] = []
  for (const table of publicTables) {
    const query = `{ ${naming(table).many} { nodes { ${shownColumns(table).join(' ')} } } }`
    const response = await fetch(`${api.url}/export.jsonl?${new URLSearchParams({ query })}`)
    expect(response.status, table.name).toBe(200)
    read.push(await response.text())
  }
  const names = new Set(read.join('\n').match(/0x[0-9a-f]{64}/g))
  let sealed = 0
  for (const name of names) {
    // The loop goes on with the names that it finds.
    const response = await fetch(`${api.url}/artifacts/${name}`)
    if (response.status === 403) sealed++
    if (response.status !== 200) continue
    const text = await response.text()
    read.push(text)
    for (const more of text.match(/0x[0-9a-f]{64}/g) ?? []) names.add(more)
  }
  read.push(await (await fetch(`${url}/metrics`)).text())
  expect(logged).toEqual([])
  expect(sealed).toBeGreaterThanOrEqual(3) // test items, validation items, the gold pool

  const all = read.join('\n')
  // An adversary of the example submits some test items, slightly changed: those are not secret any more.
  const submitted = contributors(SEED, testItems(SEED, items.test), samples).flatMap((one) => one.samples)
  const secret = [...testItems(SEED, items.test), ...validationItems(SEED, items.validation)].filter(
    (item) =>
      !submitted.some(({ prompt, completion }) => prompt.includes(item.prompt) || completion === item.completion),
  )
  expect(secret.length).toBeGreaterThan(20)
  for (const { prompt, completion } of secret)
    for (const text of [prompt, completion]) expect(all.includes(JSON.stringify(text).slice(1, -1)), text).toBe(false)
}, 900_000)
