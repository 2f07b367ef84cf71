import type { Hex } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CallReceipt, checkReceipt } from '#client/index.ts'
import { resigned } from '#client/test/signedReceipt.ts'
import { OPERATOR, startWorld, type World } from '#contracts/test/world.ts'
import { me } from '#graphql/test/market.ts'
import { documentBytes } from '#schema/documents.ts'
import { Receipt } from '#schema/offchain/attribution.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { rowOf, saveRows } from '#schema/rows.ts'
import { attributeHandler } from '#workers/handlers/attribute.ts'
import { type JobContext, PendingError } from '#workers/job.ts'
import { silent } from '#workers/test/testWorker.ts'
import { openWorldClient } from '#workers/test/worldClient.ts'
import { account, insertAll } from './factory.ts'
import { servedModel } from './gatewaySystem.ts'
import { must } from './must.ts'

/** The receipts of the gateway's answers, read by id and checked from the answer alone. */

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.anvil.stop())

const host = { valid: true, problems: [], signer: OPERATOR.address }

test('each route names its receipts in a header, by which they are read and checked; after the trace, with the sources', async () => {
  const served = await servedModel(world)
  const { url, db, artifacts, folder } = served
  const post = async (route: string, body: object) => {
    const response = await fetch(`${url}/v1/${route}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-consumer': me },
      body: JSON.stringify({ model: 'endpoint:1', ...body }),
    })
    expect(response.status, route).toBe(200)
    await response.text()
    return must(response.headers.get('x-receipt-id')).split(',')
  }
  const read = async (id: string) => (await fetch(`${url}/v1/receipts/${id}`)).json() as Promise<CallReceipt>
  const [prompt, messages] = ['thing 1 is red', [{ role: 'user', content: 'thing 1 is red' }]]
  const ids = [
    await post('chat/completions', { messages, max_tokens: 4, n: 2 }),
    await post('chat/completions', { messages, max_tokens: 4, stream: true }),
    await post('completions', { prompt, max_tokens: 4 }),
    await post('responses', { input: prompt, max_output_tokens: 4 }),
    await post('messages', { messages, max_tokens: 4 }),
    await post('embeddings', { input: prompt }),
  ]
  expect(ids.map((one) => one.length)).toEqual([2, 1, 1, 1, 1, 1])
  const all = ids.flat()
  for (const id of all) {
    const receipt = await read(id)
    expect(receipt).toMatchObject({ id, consumer: me, attributionDigest: null })
    expect(await checkReceipt(receipt)).toEqual({ ...host, checked: ['hash', 'texts', 'total'] })
  }
  const [id = ''] = ids[2] ?? []
  expect((await fetch(`${url}/v1/responses/resp_${ids[3]?.[0]}`)).headers.get('x-receipt-id')).toBe(ids[3]?.[0])
  expect((await fetch(`${url}/v1/receipts/none`)).status).toBe(404)

  // Traced by a version that has sketches.
  const contents = await Promise.all(
    ['red', 'blue', 'green'].map((completion) => artifacts.put(documentBytes({ prompt, completion }))),
  )
  await insertAll(
    db,
    Contribution,
    contents.map((contentHash, place) => ({ id: String(place + 8), contentHash })),
  )
  const { rows } = await db.query<{ name: string }>(`select manifest_hash as name from model_version where id = '1'`)
  const manifest = JSON.parse(new TextDecoder().decode(await artifacts.get(must(rows[0]).name)))
  const sketches = await artifacts.put(new Uint8Array([1]))
  const traceable = { ...manifest, sketches, dataset: ['8', '9', '10'] }
  await db.query(`update model_version set manifest_hash = $1 where id = '1'`, [
    await artifacts.put(documentBytes(traceable)),
  ])
  const nothing = { mean: 0, standardError: 0 }
  const explained = {
    ...{ tokens: 4, parts: 2, influences: [nothing, nothing, nothing], similarities: [0, 0, 0] },
    spans: [
      { text: 'a', start: 0, end: 2, occurrences: 1, samples: [2] },
      { text: 'b', start: 2, end: 3, occurrences: 1, samples: [1] },
    ],
  }
  const chain = await openWorldClient(world, OPERATOR, db)
  const trace = async (receiptId: string, given: Partial<typeof chain> = {}, hosts?: string[]) => {
    const engine = { run: async () => explained }
    const handler = attributeHandler({ engine, cache: folder, hosts } as unknown as Parameters<
      typeof attributeHandler
    >[0])
    const signal = new AbortController().signal
    const job = {
      id: 'trace',
      input: { receiptId },
      db,
      artifacts,
      chain: { ...chain, ...given },
      log: silent,
      signal,
      report() {},
    }
    const { rows: found = [], afterRows } = await handler(job as unknown as JobContext<'attribute'>)
    await saveRows(db, found)
    await db.transaction(async (sql) => afterRows?.(sql))
  }
  await trace(id)
  const traced = await read(id)
  expect(traced.attributions).toEqual([
    { contributionId: '10', share: 250_000 },
    { contributionId: '9', share: 125_000 },
  ])
  expect(await checkReceipt(traced)).toEqual({ ...host, checked: ['hash', 'texts', 'total', 'attribution'] })
  const attributions = [{ contributionId: '10', share: 375_000 }]
  expect(await checkReceipt({ ...traced, attributions })).toMatchObject({ valid: false })
  expect(traced).toMatchObject(await resigned(traced, OPERATOR)) // nothing else is signed

  // A worker that does not sign as the host leaves it to one that does, or signs nothing where the host is not served.
  const [other = ''] = all
  const elsewhere = { account: account(5) as Hex }
  await expect(trace(other, elsewhere, [account(5), OPERATOR.address.toLowerCase()])).rejects.toThrow(PendingError)
  await trace(other, elsewhere)
  expect(await rowOf(db, Receipt, other)).toMatchObject({ attributionDigest: null, attributionSignature: null })
})
