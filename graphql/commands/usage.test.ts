import { expect, test } from 'vitest'
import { epochRows, hostKey, openedReceipt, parties, strangerKey } from '#epochs/test/epochRows.ts'
import { testApi } from '../test/api.ts'
import { codeOf } from '../test/market.ts'

const OFFER = `mutation ($epoch: Int!, $document: ID!, $signature: String!) {
  offerUsage(epoch: $epoch, document: $document, signature: $signature, idempotencyKey: "k") { id host document } }`

async function publisher() {
  const rows = await epochRows()
  const { chainId, addresses } = rows.sources.deployment
  const { ask } = await testApi({ db: rows.sql, artifacts: rows.artifacts, deployment: { chainId, addresses } })
  const offer = (usage: { document: string; signature: string }, epoch = 1) => ask(OFFER, { ...usage, epoch })
  const stored = async () => (await rows.sql.query('select id, document from host_usage order by id')).rows
  return { ...rows, offer, stored }
}

const content = { epoch: 1, receipts: [openedReceipt()] }

test('a host with fees in an epoch offers its document, as often as it likes', async () => {
  const { bundle, offer, stored } = await publisher()
  const usage = await bundle(content)
  const taken = { id: `1-${parties.host}`, host: parties.host, document: usage.document }
  for (const signature of [usage.signature, usage.signature, usage.signature.toUpperCase().replace('X', 'x')])
    expect((await offer({ ...usage, signature })).data.offerUsage).toEqual(taken)
  expect(await stored()).toEqual([{ id: taken.id, document: usage.document }])
})

test('nobody else offers one: not a stranger, and not whoever sends a signature for something else', async () => {
  const { bundle, offer, stored, put } = await publisher()
  const usage = await bundle(content)
  const refused = [
    await bundle(content, { key: strangerKey }),
    await bundle(content, { epoch: 2 }),
    await bundle(content, { chainId: 1 }),
    await bundle(content, { contract: parties.alice as `0x${string}` }),
    { ...usage, document: await put('another') },
    { ...usage, signature: '0x' },
    { ...usage, signature: `${usage.signature}00` },
  ]
  for (const one of refused) expect(await codeOf(offer(one))).toBe('NOT_A_HOST')
  expect(await codeOf(offer({ ...usage, document: 'usage.json' }))).toBe('BAD_INPUT')
  expect(await codeOf(offer(await bundle(content, { epoch: 7 }), 7))).toBe('UNKNOWN_EPOCH')
  expect(await stored()).toEqual([])
})

test('the first document stays: an older one that is sent again replaces nothing', async () => {
  const { bundle, offer, stored } = await publisher()
  const [first, second] = [await bundle(content), await bundle({ ...content, receipts: [] })]
  await offer(first)
  expect(await codeOf(offer(second))).toBe('ANOTHER_DOCUMENT')
  expect(await stored()).toEqual([{ id: `1-${hostKey.address.toLowerCase()}`, document: first.document }])
})

test('an epoch whose map is published takes none', async () => {
  const { bundle, offer, sql } = await publisher()
  await sql.query(`update reward_map set status = 'Published' where epoch = 1`)
  expect(await codeOf(offer(await bundle(content)))).toBe('ALREADY_SETTLED')
})
