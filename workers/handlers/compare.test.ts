import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Hex } from 'viem'
import { expect, test } from 'vitest'
import { comparisonDocument, comparisonKeyDocument, documentBytes, getDocument } from '#schema/documents.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { FeedbackRound } from '#schema/onchain/feedback.ts'
import { Model, ModelVersion } from '#schema/onchain/models.ts'
import { account, insert } from '#test/factory.ts'
import { must } from '#test/must.ts'
import type { Dependencies } from '../dependencies.ts'
import type { JobContext } from '../job.ts'
import { testWorker } from '../test/testWorker.ts'
import { compareHandler } from './compare.ts'
import { goldCommitment } from './settleFeedbackGold.ts'

const HASH = `0x${'ab'.repeat(32)}`
const SALT = `0x${'5a'.repeat(32)}`
const PROMPTS = Array.from({ length: 60 }, (_, n) => `question number ${n} about thing ${n}`)
/** With gold, each prompt is compared once. */
const TASKS = 60
const GOLD = 12

/** A version, a pool with an item for every prompt, and jobs that compare its answers: `right` and other texts take turns. */
async function comparisons() {
  const { db, artifacts, folder } = await testWorker()
  const put = (value: unknown) => artifacts.put(documentBytes(value))
  const sealedItems = Array.from({ length: 3 }, (_, n) => ({ prompt: `sealed ${n}`, completion: 'c' }))
  const sealed = await put({ salt: SALT, items: sealedItems })
  const metrics = [{ name: 'exact', kind: 'exact' }]
  const rubric = await put({ metrics, test: sealed, validation: sealed, maxTokens: 4 })
  const base = await put({ files: { 'config.json': await put({}) } })
  const samples = { description: 'any', completionPattern: '.*', topic: [], maxPromptLength: 100 }
  const named = { name: 'Clerk', purpose: 'To test.', licence: 'CC0-1.0', integration: 'none' }
  const specHash = await put({ ...named, baseModel: base, rubric, samples })
  const facts = { modelId: '1', parentVersionId: null, method: 'sft', baseModel: base, adapter: base }
  const rest = { datasetRoot: HASH, dataset: [], evidence: [], configuration: {}, metrics: {}, sketches: null }
  const manifestHash = await put({ ...facts, ...rest, codeHash: HASH, weights: [] })
  await insert(db, Model, { id: '1', specHash })
  await insert(db, ModelVersion, { id: '1', modelId: '1', manifestHash, adapterHash: base })
  const goldPool = await put({ salt: SALT, items: PROMPTS.map((prompt) => ({ prompt, completion: 'right' })) })
  const promptsHash = await put({ prompts: [...sealedItems.map(({ prompt }) => prompt.toUpperCase()), ...PROMPTS] })

  let asked = 0
  const engine = {
    async run(_task: string, { requests }: { requests: { prompt: string }[] }) {
      asked += requests.length
      return { answers: requests.map((_, at) => ({ text: at % 2 === 0 ? 'right' : `wrong ${asked} ${at}` })) }
    },
  }
  const compare = async (id: string, { fails = false, tasks: count = TASKS } = {}) => {
    await db.query('delete from job_run where id = $1', [id])
    await insert(db, JobRun, { id, kind: 'compare', status: 'Running', idempotencyKey: id })
    const rounds: { itemHash: string }[][] = []
    const chain = {
      addresses: { FeedbackPool: account(1) },
      secret: (purpose: string): Hex => `0x${createHash('sha256').update(purpose).digest('hex')}`,
      timeOf: async () => 1_900_000_000,
      signedTransaction: async () => undefined,
      async transact(_key: string, { functionName, args }: { functionName: string; args: unknown[] }) {
        if (functionName === 'openRound' && fails) throw new Error('The round cannot be opened.')
        if (functionName === 'openRound') rounds.push(args[1] as { itemHash: string }[])
        return { events: [{ contract: 'FeedbackPool', name: 'TaskOpened', args: { taskId: 1n } }] }
      },
    }
    // What the handler uses.
    const job = {
      ...{ id, db, artifacts, chain, report() {}, alive() {}, signal: new AbortController().signal },
      input: {
        ...{ versionId: '1', promptsHash, goldPool, goldPercent: (100 * GOLD) / TASKS, tasks: count, seed: 1 },
        ...{ domain: 'general', temperature: 1, potWei: '0', seats: 3, commitSeconds: 60, revealSeconds: 60 },
      },
      put: async ({ bytes }: { bytes: Uint8Array }) => artifacts.put(bytes),
    } as unknown as JobContext<'compare'>
    const dependencies = { engine, cache: join(folder, 'cache') } as unknown as Dependencies
    const end = (status: string) => db.query('update job_run set status = $2 where id = $1', [id, status])
    const { result } = await compareHandler(dependencies)(job).catch(async (error) => {
      await end('Failed')
      throw error
    })
    await end('Succeeded')
    const { tasks } = await getDocument(artifacts, comparisonKeyDocument, String(result.key))
    const prompts = await Promise.all(
      tasks.map(async ({ item }) => (await getDocument(artifacts, comparisonDocument, item)).prompt),
    )
    return {
      key: String(result.key),
      opened: rounds.flat().map(({ itemHash }) => itemHash),
      prompts,
      gold: prompts.filter((_, at) => must(tasks[at]).gold !== null),
      places: tasks.flatMap(({ gold }, at) => (gold === null ? [] : [at])),
    }
  }
  return { compare, asked: () => asked, db }
}

test('comparisons at the same time have other gold items, and their gold elsewhere, although their input is the same', async () => {
  const { compare } = await comparisons()
  const [one, other] = await Promise.all([compare('one'), compare('other')])
  for (const { opened, gold, prompts } of [one, other]) {
    expect([opened.length, gold.length]).toEqual([TASKS, GOLD])
    expect([...prompts].sort()).toEqual([...PROMPTS].sort()) // none of a test or validation item
  }
  expect(one.gold.filter((prompt) => other.gold.includes(prompt))).toEqual([])
  expect(one.places).not.toEqual(other.places)
})

test('a comparison that failed when its round was opened has spent its items; tried again, it opens the same tasks', async () => {
  const { compare, asked, db } = await comparisons()
  await expect(compare('one', { fails: true })).rejects.toThrow('cannot be opened')
  const others = await compare('other')
  const before = asked()
  const again = await compare('one')
  expect(asked()).toBe(before)
  expect(again.gold).toHaveLength(GOLD)
  expect(again.gold.filter((prompt) => others.gold.includes(prompt))).toEqual([])
  expect((await db.query('select 1 from gold_item')).rowCount).toBe(2 * GOLD) // what was tried only is free again
})

test('prompts that were gold in a round that has opened it are not compared with gold again: what is left would be gold more and more often', async () => {
  const { compare, db } = await comparisons()
  const { key, gold } = await compare('one')
  const round = { id: '1', goldCommitment: goldCommitment(key), goldSecret: null }
  await insert(db, FeedbackRound, round)
  expect((await compare('other', { tasks: 30 })).prompts).toHaveLength(30) // while the first is secret, what is missing would tell it
  await db.query('update feedback_round set gold_secret = $1', [key])
  await expect(compare('third')).rejects.toThrow('has too few prompts')
  const later = await compare('fourth', { tasks: TASKS - GOLD })
  expect([...later.prompts].sort()).toEqual(PROMPTS.filter((prompt) => !gold.includes(prompt)).sort())
})
