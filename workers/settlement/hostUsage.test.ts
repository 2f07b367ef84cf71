import { expect, test, vi } from 'vitest'
import { computeEpoch } from '#epochs/epoch.ts'
import { digitHash, epochRows, hostKey, openedReceipt, parties, signUsage } from '#epochs/test/epochRows.ts'
import { testApi } from '#graphql/test/api.ts'
import { ArtifactError, ArtifactStoreError } from '#schema/artifacts/index.ts'
import { documentBytes } from '#schema/documents.ts'
import { AnswerAttribution, Receipt } from '#schema/offchain/attribution.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { HostUsage } from '#schema/offchain/usage.ts'
import { Endpoint, Redemption } from '#schema/onchain/market.ts'
import { MAX_USAGE_BYTES } from '#schema/usageDocument.ts'
import { insert, insertAll } from '#test/factory.ts'
import type { ChainClient } from '../chain.ts'
import type { JobContext } from '../job.ts'
import { PendingError } from '../job.ts'
import { awaitUsage, bundledUsage } from './bundledUsage.ts'
import { OfferError, offerUsage } from './offerUsage.ts'
import { signedUsage } from './usage.ts'

type Rows = Awaited<ReturnType<typeof epochRows>>

/** The account of the workers who publish: they host nothing. */
const PUBLISHER = parties.bob

const signing = ({ sources }: Rows, account: string) => ({
  account: account as `0x${string}`,
  signUsage: async (epoch: number, document: string) => {
    const { chainId, addresses } = sources.deployment
    return (await signUsage(hostKey, { chainId, contract: addresses.RewardDistributor }, epoch, document))
      .signature as `0x${string}`
  },
})

/** A host's own installation, with one opened answer in epoch 1. */
async function hostWithAnswer() {
  const rows = await epochRows()
  const { sql } = rows
  await sql.query('update cursor set final_block = 20') // epoch 2 is not over
  const receipt = { endpointId: '1', versionId: '2', consumer: parties.asker, fee: 50_000n, cumulative: 50_000n }
  await insert(sql, Receipt, {
    id: 'r1',
    ...receipt,
    channelId: `0x${'c'.repeat(64)}`,
    epoch: 1,
    isOpen: true,
    jobId: 'answer',
  })
  await insert(sql, Receipt, {
    id: 'r2',
    ...receipt,
    channelId: `0x${'c'.repeat(64)}`,
    epoch: 1,
    isOpen: false,
    jobId: 'other',
  })
  const trace = async (status: JobRun['status']) => {
    await insert(sql, AnswerAttribution, { id: 'r1-1', receiptId: 'r1', contributionId: '1', share: 1_000_000 })
    const input = { receiptId: 'r1' }
    await insert(sql, JobRun, { id: 'trace', kind: 'attribute', input, status, idempotencyKey: 'trace' })
  }
  return { ...rows, trace }
}

/** A publisher's installation, which indexes the same chain. */
async function publisher() {
  const rows = await epochRows()
  const { chainId, addresses } = rows.sources.deployment
  const api = await testApi({ db: rows.sql, artifacts: rows.artifacts, deployment: { chainId, addresses } })
  const warn = vi.fn()
  const job = {
    input: { epoch: 1 },
    db: rows.sql,
    artifacts: rows.artifacts,
    chain: signing(rows, PUBLISHER),
    put: ({ bytes }: { bytes: Uint8Array }) => rows.artifacts.put(bytes),
    log: { warn },
    signal: new AbortController().signal,
  } as unknown as JobContext<'settleEpoch'>
  const offers = async () => (await rows.sql.query('select epoch, host, document, signature from host_usage')).rows
  return { ...rows, api, job, warn, offers, url: `${api.url}/graphql` }
}

const quiet = { info() {}, warn() {} }
const ENDED_AT = 1_000
const offersOf = (host: Rows, publisherUrl: string, now = ENDED_AT) => ({
  db: host.sql,
  artifacts: host.artifacts,
  chain: {
    ...signing(host, parties.host),
    now: async () => now,
    client: { getBlock: async () => ({ timestamp: BigInt(ENDED_AT) }) } as unknown as ChainClient['client'],
  },
  log: quiet,
  publisherUrl,
  usageWaitSeconds: 600,
})

test('a host elsewhere offers its opened answers once they are traced, and the publisher’s map pays by them', async () => {
  const [host, there] = [await hostWithAnswer(), await publisher()]
  await offerUsage(offersOf(host, there.url))
  expect(await there.offers()).toEqual([]) // not traced yet
  await host.trace('Succeeded')
  await offerUsage(offersOf(host, there.url))
  const [offered, ...more] = await there.offers()
  expect(more).toEqual([])
  expect(offered).toMatchObject({ epoch: 1, host: parties.host })
  const bytes = await host.artifacts.get(offered.document)
  expect(JSON.parse(Buffer.from(bytes).toString())).toMatchObject({ epoch: 1, receipts: [{ id: 'r1' }] })

  expect(await bundledUsage(there.job)).toEqual([]) // its bytes are nowhere: the epoch is settled without them
  expect(there.warn).toHaveBeenCalledTimes(1)
  await there.artifacts.put(bytes)
  const usage = await bundledUsage(there.job)
  expect(usage).toEqual([{ document: offered.document, signature: offered.signature }])
  const map = await computeEpoch(there.sources, { epoch: 1, usage, absent: [] })
  expect(map.lines.filter(({ role }) => role === 'answers')).toMatchObject([{ account: parties.alice }])
})

test('an answer that cannot be traced keeps no other out of the publisher’s map: its own fee goes by version weight', async () => {
  const [host, there] = [await hostWithAnswer(), await publisher()]
  await host.trace('Succeeded')
  const other = { endpointId: '1', versionId: '2', consumer: parties.bob, fee: 1n, cumulative: 1n }
  await insert(host.sql, Receipt, {
    ...{ ...other, id: 'r3', channelId: digitHash('d'), epoch: 1, isOpen: true, jobId: 'third' },
  })
  const failed = { kind: 'attribute', input: { receiptId: 'r3' }, status: 'Failed', idempotencyKey: 'r3' } as const
  await insert(host.sql, JobRun, { id: 'r3', ...failed, error: { code: 'MEMORY', message: 'Killed.' } })
  await offerUsage(offersOf(host, there.url, ENDED_AT + 299))
  expect(await there.offers()).toEqual([])
  await offerUsage(offersOf(host, there.url, ENDED_AT + 300))
  const [offered] = await there.offers()
  const bytes = await host.artifacts.get(offered.document)
  const { receipts } = JSON.parse(Buffer.from(bytes).toString())
  expect(receipts.map(({ id }: { id: string }) => id)).toEqual(['r1'])
})

test('what the publisher took is not offered again; what it did not take is', async () => {
  const [host, there] = [await hostWithAnswer(), await publisher()]
  await host.trace('Succeeded')
  await expect(offerUsage(offersOf(host, 'http://127.0.0.1:1/graphql'))).rejects.toThrow(OfferError)
  await there.sql.query(`update reward_map set status = 'Published' where epoch = 1`)
  await expect(offerUsage(offersOf(host, there.url))).rejects.toThrow(/not taken: The map of epoch 1 is published/)
  await there.sql.query(`update reward_map set status = 'Open' where epoch = 1`)
  await offerUsage(offersOf(host, there.url))
  expect(await there.offers()).toHaveLength(1)
  await there.api.stop()
  await offerUsage(offersOf(host, there.url)) // asks nobody
})

test('no document of a host stops an epoch: not one that is withheld, too large, none, or behind a mirror that is away', async () => {
  const { sql, job, bundle, artifacts } = await publisher()
  const documents = {
    large: await bundle({ epoch: 1, receipts: [openedReceipt()], filler: 'x'.repeat(MAX_USAGE_BYTES) }),
    junk: await bundle('junk'),
    empty: await bundle({ epoch: 1, receipts: [] }),
    withheld: { document: `0x${'9'.repeat(64)}`, signature: '0x' },
    away: await bundle({ epoch: 1, receipts: [openedReceipt()] }),
  }
  const store = {
    ...artifacts,
    get: (name: string, options?: object) =>
      name === documents.away.document
        ? Promise.reject(new ArtifactStoreError('unreachable', 'The mirror does not answer.'))
        : artifacts.get(name, options),
  }
  for (const usage of Object.values(documents)) {
    await sql.query('delete from host_usage')
    await insert(sql, HostUsage, { id: 'one', epoch: 1, host: parties.host, ...usage })
    expect(await bundledUsage({ ...job, artifacts: store })).toEqual([])
  }
})

test('many hosts with fees of one wei take the room of nobody’s document', async () => {
  const { sql, job, bundle, artifacts } = await publisher()
  const offer = (host: string, usage: object) => insert(sql, HostUsage, { id: `1-${host}`, epoch: 1, host, ...usage })
  const fees = { consumer: parties.bob, amount: 1n, epoch: 1, fromBlock: 10 }
  for (let n = 1; n <= 6; n++) {
    const host = `0x${String(n).padStart(40, '0')}` // before all others by its address
    await insert(sql, Endpoint, { id: `1${n}`, versionId: '2', host })
    await insert(sql, Redemption, { id: host, endpointId: `1${n}`, versionId: '2', ...fees })
    await offer(host, { document: `0x${String(n).repeat(64)}`, signature: `0x${n}` })
  }
  const honest = await bundle({ epoch: 1, receipts: [openedReceipt()] })
  await offer(parties.host, honest)
  const filled = (filler: string) => documentBytes({ epoch: 1, receipts: [openedReceipt()], filler })
  const bytes = filled('x'.repeat(MAX_USAGE_BYTES - filled('').length))
  const limits: number[] = []
  const get: typeof artifacts.get = async (name, options) => {
    if (name === honest.document || !/^0x(\d)\1+$/.test(name)) return artifacts.get(name, options)
    limits.push(options?.maxBytes ?? Number.POSITIVE_INFINITY)
    if (bytes.length > (options?.maxBytes ?? 0)) throw new ArtifactError('tooLarge', 'It is too large.')
    return bytes
  }
  const bundled = await bundledUsage({ ...job, artifacts: { ...artifacts, get } })
  expect(bundled[0]).toEqual(honest)
  expect(bundled).toHaveLength(4) // three more fit
  expect(Math.max(...limits.slice(3))).toBeLessThan(MAX_USAGE_BYTES)
})

test('a consumer with long and cheap answers keeps no dearer ones of others out of a full document', async () => {
  const rows = await epochRows()
  const answers = { endpointId: '1', versionId: '2', channelId: digitHash('c'), epoch: 1, isOpen: true }
  const text = 'x'.repeat(100_000)
  const count = Math.ceil(MAX_USAGE_BYTES / text.length)
  await insertAll(
    rows.sql,
    Receipt,
    Array.from({ length: count }, (_, n) => ({
      ...{ ...answers, id: `0${n}`, jobId: `0${n}`, consumer: parties.bob, fee: 2n, prompt: text },
    })),
  )
  const honest = { consumer: parties.asker, fee: 2n, prompt: text.slice(50_000) }
  await insert(rows.sql, Receipt, { ...answers, id: 'z', jobId: 'z', ...honest })
  await insertAll(
    rows.sql,
    AnswerAttribution,
    ['z', ...Array.from({ length: count }, (_, n) => `0${n}`)].map((id) => ({
      ...{ id, receiptId: id, contributionId: '1', share: 1 },
    })),
  )
  const { db, chain, artifacts: store } = offersOf(rows, '')
  const { document } = await signedUsage({ db, chain, store, log: quiet }, 1)
  const bytes = await rows.artifacts.get(document)
  expect(bytes.length).toBeLessThanOrEqual(MAX_USAGE_BYTES)
  const ids = JSON.parse(Buffer.from(bytes).toString()).receipts.map(({ id }: { id: string }) => id)
  expect(ids).toContain('z')
})

test('an epoch waits for hosts with fees that have offered nothing, and no longer than it should', async () => {
  const { sql, job, bundle } = await publisher()
  const clock = { now: 1_000 }
  const chain = {
    ...job.chain,
    chainId: 5,
    now: async () => clock.now,
    client: { getBlock: async () => ({ timestamp: 1_000n }) },
  } as unknown as JobContext['chain']
  const waiting = { ...job, chain }
  await expect(awaitUsage(waiting, 20, 600)).rejects.toThrow(PendingError)
  await expect(awaitUsage(waiting, 20, 600)).rejects.toThrow(parties.host)
  await awaitUsage(waiting, 20, 0)
  clock.now = 1_600
  await awaitUsage(waiting, 20, 600)
  clock.now = 1_000
  await insert(sql, HostUsage, {
    id: 'one',
    epoch: 1,
    host: parties.host,
    ...(await bundle({ epoch: 1, receipts: [] })),
  })
  await awaitUsage(waiting, 20, 600)
})
