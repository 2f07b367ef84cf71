import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { keccak256 } from 'viem'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { FaultProxy } from '#test/faultProxy.ts'
import { isRetriable } from '../errors.ts'
import { freePort } from '../postgres.ts'
import { S3_CREDENTIALS, startS3, type TestS3 } from '../test/s3.ts'
import {
  type ArtifactStore,
  cachedArtifacts,
  localStore,
  mirrorAddress,
  mirroredArtifacts,
  openMirrors,
  s3Store,
} from './index.ts'
import type { MirrorOptions } from './openMirrors.ts'

const LIMITS = { idleMs: 700, minBytesPerSecond: 2000 }
const MAX_BYTES = 1_000_000
const CONTENT = Buffer.from('content '.repeat(2000))
const NAME = keccak256(CONTENT)
const ABSENT = keccak256(Buffer.from('nobody has this'))

let s3: TestS3
beforeAll(async () => {
  s3 = await startS3()
})
afterAll(() => s3.close())

async function temporary() {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-mirrors-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A web server, and the requests that it got. */
async function web(listener: RequestListener) {
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(String(request.url))
    listener(request, response)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

const status = (code: number, headers = {}) => web((_, response) => void response.writeHead(code, headers).end())
const sending = (send: (response: ServerResponse) => void) => web((_, response) => send(response))
const serving = (bytes: Uint8Array) => sending((response) => void response.end(bytes))

/** A web server of the files of a folder. */
const folderServer = (folder: string) =>
  web(async ({ url }, response) => {
    const bytes = await readFile(join(folder, String(url))).catch(() => undefined)
    response.writeHead(bytes ? 200 : 404).end(bytes)
  })

/** An installation with these mirrors. */
async function installation(mirrors: string[], over: Partial<MirrorOptions> & { own?: ArtifactStore } = {}) {
  const { own = localStore(await temporary()), ...options } = over
  const warnings: string[] = []
  const reads: string[] = []
  const store = mirroredArtifacts(
    own,
    openMirrors(mirrors.map(mirrorAddress), { limits: LIMITS, maxBytes: MAX_BYTES, ...options }),
    {
      log: { warn: (_: object, message: string) => void warnings.push(message) } as never,
      onRead: (_, outcome) => void reads.push(outcome),
    },
  )
  return { own, store, warnings, reads }
}

const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error) => error,
  )

test('what the own store lacks is read from the first mirror that has it, and is then kept', async () => {
  const other = await temporary()
  await localStore(other).put(CONTENT)
  const [empty, full, never] = [await status(404), await folderServer(other), await serving(CONTENT)]
  const { own, store, reads } = await installation([`${empty.url}/artifacts`, full.url, never.url])
  expect(Buffer.compare(await store.get(NAME), CONTENT)).toBe(0)
  expect(reads).toEqual(['missing', 'served'])
  expect(await own.has(NAME)).toBe(true)
  const file = await store.open(NAME)
  expect(Buffer.compare(await file.readFile(), CONTENT)).toBe(0)
  await file.close()
  expect(reads).toHaveLength(2)
  expect(empty.requests).toEqual([`/artifacts/${NAME}`, `/artifacts/${NAME.slice(2, 4)}/${NAME}`])
  expect(never.requests).toEqual([])
})

test('a file, an open file and bytes are the same from a mirror', async () => {
  const { url } = await serving(CONTENT)
  const target = join(await temporary(), 'file')
  await (await installation([url])).store.getFile(NAME, target)
  expect(Buffer.compare(await readFile(target), CONTENT)).toBe(0)
  const file = await (await installation([url])).store.open(NAME)
  expect(Buffer.compare(await file.readFile(), CONTENT)).toBe(0)
  await file.close()
})

test('a mirror with one changed byte is told, counted and passed over', async () => {
  const changed = Buffer.from(CONTENT)
  changed[9000] = 1
  const [liar, honest] = [await serving(changed), await serving(CONTENT)]
  const { store, reads, warnings, own } = await installation([liar.url, honest.url])
  expect(Buffer.compare(await store.get(NAME), CONTENT)).toBe(0)
  expect(reads).toEqual(['corrupt', 'served'])
  expect(await own.has(NAME)).toBe(true)
  await failureOf(store.get(ABSENT))
  expect(reads).toEqual(['corrupt', 'served', 'corrupt', 'corrupt'])
  expect(warnings).toEqual([
    expect.stringContaining(`${liar.url}/ sent other bytes`),
    expect.stringContaining(`${honest.url}/ sent other bytes`),
  ])
})

const faults: Record<string, () => Promise<string>> = {
  'never answers': async () => (await web(() => {})).url,
  'stops in the middle of a body': async () =>
    (await sending((response) => void response.writeHead(200, { 'content-length': 16_000 }).write('content '))).url,
  'ends in the middle of a body': async () =>
    (
      await sending((response) => {
        response.writeHead(200, { 'content-length': 16_000 }).write('content ', () => response.destroy())
      })
    ).url,
  'sends a few bytes in a second': async () => {
    const target = await serving(CONTENT)
    const proxy = await FaultProxy.open(target.url)
    onTestFinished(() => proxy.close())
    await proxy.set({ mode: 'slow', bytesPerSecond: 500 })
    return proxy.url(target.url)
  },
  'answers 500': async () => (await status(500)).url,
  'answers 403': async () => (await status(403)).url,
  'redirects to another host': async () => (await status(302, { location: (await serving(CONTENT)).url })).url,
  'redirects for ever': async () => (await status(302, { location: '/again' })).url,
  'refuses connections': async () => `http://127.0.0.1:${await freePort()}`,
  'is a bucket that is gone': async () => `s3://no-such-bucket?endpoint=${s3.endpoint}`,
}
test.each(Object.entries(faults))(
  'a mirror that %s is passed over, and is no proof that the artifact is missing',
  async (_, fault) => {
    const broken = await fault()
    const honest = await serving(CONTENT)
    const begin = performance.now()
    const { store, reads } = await installation([broken, honest.url])
    expect(await store.get(NAME)).toHaveLength(CONTENT.length)
    expect(reads).toEqual(['unreachable', 'served'])
    const alone = (await installation([broken, (await status(404)).url])).store
    const error = await failureOf(alone.get(NAME))
    expect(error).toMatchObject({ name: 'PartlyAnsweredError', code: 'unreachable', artifact: NAME })
    expect(error.message).toContain(NAME)
    expect(await failureOf((await installation([broken])).store.get(NAME))).toMatchObject({
      name: 'ArtifactStoreError',
    })
    expect(isRetriable(error)).toBe(true)
    expect(performance.now() - begin).toBeLessThan(10_000)
  },
)

test('an endless or too large body is cut at the limit', async () => {
  let sent = 0
  const endless = await sending((response) => {
    const part = Buffer.alloc(64 * 1024)
    const more = () => {
      while (!response.destroyed && response.write(part)) sent += part.length
    }
    response.on('drain', more)
    more()
  })
  const { store, reads, warnings } = await installation([endless.url, (await serving(CONTENT)).url])
  expect(await store.get(NAME)).toHaveLength(CONTENT.length)
  expect(reads).toEqual(['tooLarge', 'served'])
  expect(warnings).toEqual([expect.stringContaining('ARTIFACT_MIRROR_BYTES')])
  expect(sent).toBeLessThan(50 * MAX_BYTES)
  const other = (await installation([endless.url, (await status(404)).url])).store
  expect(await failureOf(other.get(NAME))).toMatchObject({ name: 'ArtifactStoreError', code: 'unreachable' })
  const only = (await installation([endless.url])).store
  expect(isRetriable(await failureOf(only.get(NAME)))).toBe(true)
  const exact = (await installation([(await serving(CONTENT)).url], { maxBytes: CONTENT.length })).store
  expect(await exact.get(NAME)).toHaveLength(CONTENT.length)
})

test('a slow body that keeps its rate ends with the time of one read', async () => {
  const steady = await sending((response) => {
    const timer = setInterval(() => response.write(Buffer.alloc(1000)), 50)
    response.on('close', () => clearInterval(timer))
  })
  const { store } = await installation([steady.url], { maxMs: 1500 })
  expect((await failureOf(store.get(NAME))).message).toContain('was cut after 1.5 s')
})

test('an artifact is missing only when every store has answered that it has none', async () => {
  const bucket = await s3.bucket()
  const proxy = await FaultProxy.open(s3.endpoint)
  onTestFinished(() => proxy.close())
  const own = await s3Store({
    endpoint: proxy.url(s3.endpoint),
    bucket,
    ...S3_CREDENTIALS,
    limits: { ...LIMITS, tries: 1 },
  })
  const mirrors = [
    (await status(404)).url,
    (await status(410)).url,
    `s3://${await s3.bucket()}?endpoint=${s3.endpoint}`,
  ]
  const { store } = await installation(mirrors, { own })
  expect(await failureOf(store.get(ABSENT))).toMatchObject({ name: 'ArtifactError', code: 'missing', artifact: ABSENT })
  await proxy.set({ mode: 'hang' })
  expect(await failureOf(store.get(ABSENT))).toMatchObject({ name: 'ArtifactStoreError', code: 'unreachable' })
  const withCopy = await installation([...mirrors, (await serving(CONTENT)).url], { own })
  expect(await withCopy.store.get(NAME)).toHaveLength(CONTENT.length)
})

test('an S3 mirror is read, signed and unsigned, and needs not to answer at the start', async () => {
  const bucket = await s3.bucket()
  await s3.client.send(new PutObjectCommand({ Bucket: bucket, Key: NAME, Body: CONTENT }))
  const proxy = await FaultProxy.open(s3.endpoint)
  onTestFinished(() => proxy.close())
  const endpoint = proxy.url(s3.endpoint)
  for (const user of ['', 'S3RVER:S3RVER@']) {
    await proxy.set({ mode: 'refuse' })
    const { store, reads } = await installation([`s3://${user}${bucket}?endpoint=${endpoint}`])
    expect(isRetriable(await failureOf(store.get(NAME)))).toBe(true)
    await proxy.set({ mode: 'pass' })
    expect(Buffer.compare(await store.get(NAME), CONTENT)).toBe(0)
    expect(reads).toEqual(['unreachable', 'served'])
  }
  expect(proxy.requests.filter((request) => !/^(GET|HEAD) /.test(request))).toEqual([])
})

test('requests to an S3 mirror without a key are not signed, whatever credentials this host has', async () => {
  const signatures: unknown[] = []
  const bucket = await web(({ headers }, response) => {
    signatures.push(headers.authorization)
    response.end(CONTENT)
  })
  const of = async (user: string) => (await installation([`s3://${user}bucket?endpoint=${bucket.url}`])).store.get(NAME)
  expect(await of('')).toHaveLength(CONTENT.length)
  expect(signatures).toEqual([undefined, undefined])
  await of('key:secret@')
  expect(signatures.slice(2)).toEqual(Array(2).fill(expect.stringContaining('Credential=key/')))
})

test('a mirror that fails again and again is asked only now and then; others are read meanwhile', async () => {
  const changed = await serving(Buffer.from('wrong'))
  const states: boolean[] = []
  const { store, reads } = await installation([changed.url], {
    breaker: () => ({ failures: 3, probeMs: 60_000, onChange: ({ open }) => void states.push(open) }),
  })
  for (let i = 0; i < 6; i++) expect(isRetriable(await failureOf(store.get(NAME)))).toBe(true)
  expect(changed.requests).toHaveLength(3)
  expect(states).toEqual([true])
  expect(reads).toEqual(['corrupt', 'corrupt', 'corrupt', 'unreachable', 'unreachable', 'unreachable'])
})

test('that an artifact is missing closes the circuit like any answer', async () => {
  let code = 500
  const { url } = await web((_, response) => void response.writeHead(code).end())
  const { store } = await installation([url], { breaker: () => ({ failures: 1, probeMs: 1 }) })
  expect(await failureOf(store.get(ABSENT))).toMatchObject({ code: 'unreachable' })
  code = 404
  await expect.poll(async () => (await failureOf(store.get(ABSENT))).code).toBe('missing')
  expect(await failureOf(store.get(ABSENT))).toMatchObject({ code: 'missing' })
})

test('what is damaged in the own store is read from a mirror', async () => {
  const folder = await temporary()
  const own = localStore(folder)
  await own.put(CONTENT)
  await writeFile(join(folder, NAME.slice(2, 4), NAME), 'damaged')
  const { store, warnings } = await installation([(await serving(CONTENT)).url], { own })
  expect(await store.get(NAME)).toHaveLength(CONTENT.length)
  expect(await store.get(NAME)).toHaveLength(CONTENT.length)
  expect(warnings).toHaveLength(1)
  const alone = await installation([(await status(404)).url], { own })
  expect(await failureOf(alone.store.get(NAME))).toMatchObject({ code: 'corrupt' })
})

test('a redirect within the host is followed, with the credentials of the address', async () => {
  const headers: unknown[] = []
  const { url } = await web((request, response) => {
    headers.push(request.headers.authorization)
    if (request.url === `/new/${NAME}?token=t`) response.end(CONTENT)
    else response.writeHead(301, { location: `/new/${NAME}?token=t` }).end()
  })
  const { store } = await installation([`${url.replace('://', '://user:p%40ss@')}/old/?token=t`])
  expect(await store.get(NAME)).toHaveLength(CONTENT.length)
  expect(headers).toEqual(Array(2).fill(`Basic ${Buffer.from('user:p@ss').toString('base64')}`))
})

test('a caller that gives up is no fault of the mirror; no partial file stays', async () => {
  const hanging = await sending((response) => void response.writeHead(200).write('content '))
  const { store, reads } = await installation([hanging.url], { limits: { ...LIMITS, idleMs: 20_000 } })
  const abort = new AbortController()
  const target = join(await temporary(), 'sub')
  await mkdir(target)
  const read = failureOf(store.getFile(NAME, join(target, 'file'), { signal: abort.signal }))
  await expect.poll(() => hanging.requests.length).toBe(1)
  abort.abort(new Error('enough'))
  expect((await read).message).toBe('enough')
  expect(reads).toEqual([])
})

test('a disk that refuses the file is no fault of the mirror', async () => {
  const { store, reads } = await installation([(await serving(CONTENT)).url])
  const error = await failureOf(store.getFile(NAME, join(await temporary(), 'no', 'folder')))
  expect(error).toMatchObject({ code: 'unreachable', message: expect.stringContaining('MODELCOMMONS_HOME') })
  expect(reads).toEqual([])
})

test('names that are none reach no mirror', async () => {
  const mirror = await serving(CONTENT)
  const { store } = await installation([mirror.url])
  for (const name of ['../../etc/passwd', '', `${NAME}?x`]) {
    expect(await failureOf(store.get(name))).toMatchObject({ code: 'missing' })
    expect(await failureOf(store.open(name))).toMatchObject({ code: 'missing' })
  }
  expect(mirror.requests).toEqual([])
})

test('behind a cache, a mirror is asked once', async () => {
  const mirror = await serving(CONTENT)
  const own = await s3Store({ endpoint: s3.endpoint, bucket: await s3.bucket(), ...S3_CREDENTIALS })
  const { store } = await installation([mirror.url], { own })
  const cache = cachedArtifacts(store, { folder: await temporary(), maxBytes: 1e9 })
  for (let i = 0; i < 3; i++) expect(await cache.get(NAME)).toHaveLength(CONTENT.length)
  expect(mirror.requests).toHaveLength(1)
  expect(await own.has(NAME)).toBe(true)
})

test.each([
  ['ftp://host/folder', /no URL of a mirror/],
  ['nothing', /no URL of a mirror/],
  ['s3://bucket/folder', /remove the path/],
  ['s3://bucket?endpont=http://a', /unknown option endpont/],
  ['s3://bucket?endpoint=a', /endpoint: expected a URL/],
  ['s3://key@bucket', /both key and secret/],
])('the address %s is refused', (address, message) => {
  expect(() => mirrorAddress(address)).toThrow(message)
})

test('an address keeps its credentials to itself', async () => {
  const { url } = await status(500)
  const port = new URL(url).port
  const { store } = await installation([
    `http://user:hidden@127.0.0.1:${port}/a?token=hidden`,
    `s3://key:hidden@no-such-bucket?endpoint=${s3.endpoint}`,
  ])
  expect((await failureOf(store.get(NAME))).message).not.toContain('hidden')
})

test('more bytes than asked for are not read into memory, wherever they are', async () => {
  const other = await temporary()
  await localStore(other).put(CONTENT)
  const { url } = await folderServer(other)
  const over = { maxBytes: CONTENT.length - 1 }
  const { own, store } = await installation([url])
  const cache = cachedArtifacts(store, { folder: await temporary(), maxBytes: 1e9 })
  for (const place of ['a mirror', 'the own store', 'the cache']) {
    if (place === 'the own store') expect(await own.has(NAME)).toBe(true)
    if (place === 'the cache') await cache.get(NAME)
    expect(await failureOf(cache.get(NAME, over))).toMatchObject({ name: 'ArtifactError', code: 'tooLarge' })
  }
  expect((await cache.get(NAME, { maxBytes: CONTENT.length })).length).toBe(CONTENT.length)
})
