import { ListMultipartUploadsCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Fault, FaultProxy } from '#test/faultProxy.ts'
import { isRetriable } from '../errors.ts'
import { S3_CREDENTIALS, startS3, type TestS3 } from '../test/s3.ts'
import { type ArtifactStore, s3Store } from './index.ts'
import type { S3Settings } from './s3.ts'

/** Far more than an answer takes on a busy machine. */
const LIMITS = { connectMs: 2_000, idleMs: 3_000, minBytesPerSecond: 2000, tries: 1 }
const bytesOf = (text: string) => new TextEncoder().encode(text)

let s3: TestS3
let proxy: FaultProxy
let bucket: string
beforeAll(async () => {
  s3 = await startS3()
  proxy = await FaultProxy.open(s3.endpoint)
})
beforeEach(async () => {
  bucket = await s3.bucket()
})
afterEach(() => proxy.set({ mode: 'pass' }))
afterAll(async () => {
  await proxy.close()
  await s3.close()
})

const open = (over: Partial<S3Settings> = {}) =>
  s3Store({ endpoint: proxy.url(s3.endpoint), bucket, ...S3_CREDENTIALS, limits: LIMITS, ...over })

/** The error of `work`, and how long it took. */
async function failure(work: () => Promise<unknown>) {
  const begin = performance.now()
  const error = await work().then(
    () => undefined,
    (one) => one,
  )
  return { error, ms: performance.now() - begin }
}

describe('an S3 that', () => {
  const faults = {
    'answers 500': { mode: 'status', status: 500 },
    'asks to slow down': { mode: 'status', status: 503 },
    'answers 404 without saying that the key is missing': { mode: 'status', status: 404 },
    hangs: { mode: 'hang' },
    'is behind a network that drops packets': { mode: 'blackHole' },
    'sends a few bytes in a second': { mode: 'slow', bytesPerSecond: 500 },
    'resets connections in the middle of a body': { mode: 'reset', afterBytes: 1000 },
    'refuses connections': { mode: 'refuse' },
  } as const
  test.each(Object.entries(faults))('%s is an error to retry, within the time-outs, and heals', async (_, fault) => {
    const store = await open({ breaker: { failures: 1000 } })
    const name = await store.put(bytesOf('content '.repeat(2000)))
    await proxy.set(fault)
    const read = await failure(() => store.get(name))
    expect(read.error).toMatchObject({ code: 'unreachable' })
    expect(isRetriable(read.error)).toBe(true)
    if (fault.mode === 'status')
      expect((read.error as Error).message).toMatch(/does not answer \((HTTP \d{3}|[A-Z]\w+: .+)\)/)
    expect((read.error as Error).message).not.toContain('Unknown')
    expect(read.ms).toBeLessThan(60_000)
    if (fault.mode !== 'slow' && fault.mode !== 'reset')
      expect((await failure(() => store.put(bytesOf('more')))).error).toMatchObject({ code: 'unreachable' })
    await proxy.set({ mode: 'pass' })
    expect(await store.get(name)).toHaveLength(16_000)
  })
})

test('while the service does not answer, calls fail at once; the first answer ends that', async () => {
  const store = await open({ breaker: { failures: 3, probeMs: 200 } })
  const name = await store.put(bytesOf('a'))
  await proxy.set({ mode: 'hang' })
  await Promise.all([1, 2, 3].map(() => failure(() => store.get(name))))
  const { error, ms } = await failure(() => store.get(name))
  expect(ms).toBeLessThan(LIMITS.connectMs)
  expect(error).toMatchObject({ code: 'unreachable', message: expect.stringMatching(/has not answered since \d{4}-/) })
  await proxy.set({ mode: 'pass' })
  await expect.poll(() => store.get(name).catch(() => undefined)).toHaveLength(1)
})

test('the answer that an artifact is missing ends that, too', async () => {
  const store = await open({ breaker: { failures: 1, probeMs: 1, maxProbeMs: 1 } })
  const name = await store.put(bytesOf('a'))
  const missing = `0x${'1'.repeat(64)}`
  for (const ask of [() => store.has(missing), () => store.get(missing).catch(({ code }) => code !== 'missing')]) {
    await proxy.set({ mode: 'refuse' })
    expect((await failure(() => store.get(name))).error).toMatchObject({ code: 'unreachable' })
    await proxy.set({ mode: 'pass' })
    await expect.poll(() => ask().catch(() => true)).toBe(false)
    expect(await Promise.all([1, 2].map(() => store.get(name)))).toHaveLength(2) // an open circuit would refuse the second
  }
})

test('a transfer that breaks off once is repeated', async () => {
  const store = await open()
  const name = await store.put(bytesOf('content '.repeat(2000)))
  let breaks = 1
  await proxy.choose((request) =>
    request.startsWith('GET') && breaks-- > 0 ? { mode: 'reset', afterBytes: 4000 } : { mode: 'pass' },
  )
  expect(await store.get(name)).toHaveLength(16_000)
})

test('a missing artifact and wrong bytes are no faults of the service', async () => {
  const store = await open({ breaker: { failures: 2 } })
  const name = await store.put(bytesOf('good'))
  await s3.client.send(new PutObjectCommand({ Bucket: bucket, Key: name, Body: 'evil' }))
  for (let i = 0; i < 4; i++) {
    await expect(store.get(name)).rejects.toMatchObject({ code: 'corrupt' })
    await expect(store.get(`0x${'1'.repeat(64)}`)).rejects.toMatchObject({ code: 'missing' })
  }
  expect(await store.get(await store.put(bytesOf('better')))).toHaveLength(6)
})

test('an aborted call ends with its reason, and is no fault of the service', async () => {
  const store = await open({ limits: { ...LIMITS, idleMs: 20_000 }, breaker: { failures: 1 } })
  const name = await store.put(bytesOf('content '.repeat(2000)))
  for (const mode of ['hang', 'slow'] as const) {
    await proxy.set(mode === 'slow' ? { mode, bytesPerSecond: 500 } : { mode })
    const abort = new AbortController()
    const read = failure(() => store.get(name, { signal: abort.signal }))
    const written = failure(() => store.put(bytesOf(mode), { signal: abort.signal }))
    setTimeout(() => abort.abort(new Error('enough')), 300)
    expect((await read).error).toMatchObject({ message: 'enough' })
    if (mode === 'hang') expect((await written).error).toMatchObject({ message: 'enough' })
    expect((await read).ms).toBeLessThan(15_000)
    await proxy.set({ mode: 'pass' })
    proxy.cut()
    expect(await store.get(name)).toHaveLength(16_000)
  }
})

describe('large artifacts', () => {
  const large = Uint8Array.from({ length: 40_000_000 }, (_, i) => (i * 7) ^ (i >> 11))
  const uploads = async () =>
    (await s3.client.send(new ListMultipartUploadsCommand({ Bucket: bucket })).catch(() => ({ Uploads: [] })))
      .Uploads ?? []

  test('are uploaded in parts, once', async () => {
    const store = await open({ limits: { ...LIMITS, idleMs: 20_000 } })
    const before = proxy.requests.length
    const name = await store.put(large)
    const requests = proxy.requests.slice(before)
    expect(requests.filter((one) => /PUT .*partNumber=/.test(one))).toHaveLength(5)
    expect(Buffer.compare(await store.get(name), large)).toBe(0)
    const again = proxy.requests.length
    await store.put(large)
    expect(proxy.requests.slice(again).map((one) => one.split(' ')[0])).toEqual(['HEAD'])
  })

  test('a failed part fails the upload, and its parts are removed', async () => {
    const store: ArtifactStore = await open({ limits: { ...LIMITS, idleMs: 20_000 } })
    await proxy.choose((request) =>
      request.includes('partNumber=2') ? { mode: 'status', status: 500 } : { mode: 'pass' },
    )
    await expect(store.put(large)).rejects.toMatchObject({ code: 'unreachable' })
    expect(proxy.requests.at(-1)).toMatch(/^DELETE .*uploadId=/)
    expect(await uploads()).toEqual([])
    await proxy.set({ mode: 'pass' })
    expect(await store.has(await store.put(large))).toBe(true)
  })
})

describe('an answer 403', () => {
  const denied: Fault = { mode: 'status', status: 403 }
  const absent = `0x${'2'.repeat(64)}`

  test('for a missing key of a bucket that may not be listed means that it is missing', async () => {
    const answer = (request: string): Fault =>
      / \/bucket-\d+\/?(\?|$)/.test(request) || request.includes(absent) ? denied : { mode: 'pass' }
    await proxy.choose(answer)
    const store = await open()
    await expect(store.get(absent)).rejects.toMatchObject({ code: 'missing' })
    expect(await store.has(absent)).toBe(false)
    expect(await store.get(await store.put(bytesOf('readable')))).toHaveLength(8)
    await proxy.choose(() => denied) // now the policy allows nothing: that is no proof of a missing artifact
    await expect(store.get(absent)).rejects.toMatchObject({ code: 'unreachable' })
  })

  test('in a bucket that may be listed means that the object may not be read', async () => {
    const store = await open()
    await proxy.choose((request) => (request.includes(absent) ? denied : { mode: 'pass' }))
    await expect(store.get(absent)).rejects.toMatchObject({ code: 'unreachable' })
  })

  test('to everything is an error at once', async () => {
    await proxy.choose(() => denied)
    await expect(open()).rejects.toMatchObject({ code: 'unreachable' })
  })
})

test('a small artifact costs one request, and the signature covers its bytes', async () => {
  const store = await open()
  const before = proxy.requests.length
  await store.put(bytesOf('small'))
  expect(proxy.requests.slice(before).map((one) => one.split(' ')[0])).toEqual(['PUT'])
})

test.each(['/', '//', ''])('an endpoint that ends with %j is understood', async (end) => {
  const store = await open({ endpoint: `${proxy.url(s3.endpoint)}${end}` })
  expect(await store.has(await store.put(bytesOf('x')))).toBe(true)
})
