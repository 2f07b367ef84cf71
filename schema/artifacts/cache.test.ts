import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { FaultProxy } from '#test/faultProxy.ts'
import { must } from '#test/must.ts'
import { S3_CREDENTIALS, startS3, type TestS3 } from '../test/s3.ts'
import { type ArtifactStore, cachedArtifacts, s3Store } from './index.ts'

let s3: TestS3
let proxy: FaultProxy
beforeAll(async () => {
  s3 = await startS3()
  proxy = await FaultProxy.open(s3.endpoint)
})
afterAll(async () => {
  await proxy.close()
  await s3.close()
})

const temporary = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-cache-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

const bytesOf = (text: string) => new TextEncoder().encode(text)

async function opened({ maxBytes = 1e9, folder = undefined as string | undefined } = {}) {
  const store = await s3Store({ endpoint: proxy.url(s3.endpoint), bucket: await s3.bucket(), ...S3_CREDENTIALS })
  const root = folder ?? (await temporary())
  const warnings: string[] = []
  const log = { warn: (_: object, message: string) => void warnings.push(message) }
  return { store, root, warnings, cache: () => cachedArtifacts(store, { folder: root, maxBytes, log: log as never }) }
}

/** The number of GET requests that `work` caused. */
async function reads(work: () => Promise<unknown>): Promise<number> {
  const before = proxy.requests.length
  await work()
  return proxy.requests.slice(before).filter((request) => request.startsWith('GET')).length
}

const put = (store: ArtifactStore, count: number) =>
  Promise.all(Array.from({ length: count }, (_, index) => store.put(bytesOf(`content ${index}`))))
const getAll = (store: ArtifactStore, names: string[]) => Promise.all(names.map((name) => store.get(name)))

test('each artifact is read from the store once, by all calls and processes together', async () => {
  const { store, cache } = await opened()
  const names = await put(store, 300)
  const first = cache()
  expect(await reads(() => getAll(first, [...names, ...names]))).toBe(300)
  expect(await reads(() => getAll(first, names))).toBe(0)
  expect(await reads(() => getAll(cache(), names))).toBe(0) // another process
  const large = await store.put(new Uint8Array(3_000_000).fill(7))
  const target = join(await temporary(), 'file')
  expect(await reads(() => Promise.all([first.getFile(large, target), first.getFile(large, `${target}2`)]))).toBe(1)
  expect((await stat(target)).size).toBe(3_000_000)
  expect(await reads(() => first.get(large))).toBe(0)
})

test('what is cached can be read while the store does not answer', async () => {
  const { store, cache } = await opened()
  const [name = ''] = await put(store, 1)
  await cache().get(name)
  await proxy.set({ mode: 'refuse' })
  try {
    expect(await cache().get(name)).toHaveLength(9)
    const file = await cache().open(name)
    expect(await file.readFile('utf8')).toBe('content 0')
    await file.close()
  } finally {
    await proxy.set({ mode: 'pass' })
  }
})

test('a damaged file is deleted, and the artifact is read again', async () => {
  const { store, cache, root, warnings } = await opened()
  const [name = ''] = await put(store, 1)
  const one = cache()
  await one.get(name)
  const path = join(root, name.slice(2, 4), name)
  for (const damage of ['', 'CONTENT 0', 'longer than the content was']) {
    await writeFile(path, damage)
    expect(await reads(async () => expect(Buffer.from(await one.get(name)).toString()).toBe('content 0'))).toBe(1)
    await writeFile(path, damage)
    const target = join(await temporary(), 'file')
    expect(await reads(() => one.getFile(name, target))).toBe(1)
    expect(await readFile(target, 'utf8')).toBe('content 0')
    await rm(target)
  }
  expect(warnings).toHaveLength(6)
})

test('beyond its limit, the files that were not used for longest go', async () => {
  const { store, cache, root } = await opened({ maxBytes: 40 * 4096 })
  const names = await put(store, 60)
  const one = cache()
  for (const [index, name] of names.entries()) {
    await one.get(name)
    await one.settled()
    const path = join(root, name.slice(2, 4), name)
    const at = new Date(Date.now() - 1e7 + index * 1000)
    if (await stat(path).catch(() => undefined)) await utimes(path, at, at)
    if (index === 30) await cache().get(must(names[0])) // used again by another process
  }
  const kept = (await readdir(root, { recursive: true })).filter((entry) => entry.includes('0x'))
  expect(kept.length).toBeLessThanOrEqual(42) // it is measured after each twentieth of the limit
  expect(kept.length).toBeGreaterThan(20)
  expect(await reads(() => one.get(must(names[0])))).toBe(0)
  expect(await reads(() => one.get(must(names[1])))).toBe(1)
  expect(await reads(() => one.get(must(names[59])))).toBe(0)
})

test('a caller that gives up does not end the read of another', async () => {
  const { store, cache } = await opened()
  const [name = ''] = await put(store, 1)
  const one = cache()
  const abort = new AbortController()
  const givenUp = one.get(name, { signal: abort.signal }).catch((error) => error.message)
  const read = one.get(name)
  abort.abort(new Error('enough'))
  expect(await givenUp).toBe('enough')
  expect(await read).toHaveLength(9)
})

const canMount = process.platform === 'linux' && process.getuid?.() === 0
test.runIf(canMount)('a full disk ends caching, not reading', async () => {
  const folder = await temporary()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    return // not allowed to mount here
  }
  try {
    const { store, cache, warnings } = await opened({ folder })
    const large = await store.put(new Uint8Array(200_000).fill(1))
    const one = cache()
    expect(await one.get(large)).toHaveLength(200_000)
    expect(await one.get(large)).toHaveLength(200_000)
    expect(warnings).toHaveLength(1)
    await expect(one.open(large)).rejects.toMatchObject({ code: 'full' })
    expect((await readdir(folder, { recursive: true })).filter((entry) => entry.includes('.part'))).toEqual([])
  } finally {
    execFileSync('umount', [folder])
  }
})
