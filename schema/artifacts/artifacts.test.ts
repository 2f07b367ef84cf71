import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { keccak256 } from 'viem'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { must } from '#test/must.ts'
import { freePort } from '../postgres.ts'
import { S3_CREDENTIALS, startS3, type TestS3 } from '../test/s3.ts'
import { ArtifactError, type ArtifactStore, localStore, s3Store } from './index.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)

let s3: TestS3

const temporary = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-artifacts-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

beforeAll(async () => {
  s3 = await startS3()
})
afterAll(() => s3.close())

interface Opened {
  store: ArtifactStore
  /** The same store, as another process opens it. */
  reopen(): Promise<ArtifactStore>
  /** Contents that a disk fault or an attacker may leave under a name. */
  tamper(name: string, bytes: Uint8Array): Promise<void>
  remove(name: string): Promise<void>
}

const stores: Record<string, () => Promise<Opened>> = {
  async localStore() {
    const folder = await temporary()
    const path = (name: string) => join(folder, name.slice(2, 4), name)
    return {
      store: localStore(folder),
      reopen: async () => localStore(folder),
      tamper: async (name, bytes) => {
        await mkdir(join(folder, name.slice(2, 4)), { recursive: true })
        await writeFile(path(name), bytes)
      },
      remove: (name) => rm(path(name)),
    }
  },
  async s3Store() {
    const bucket = await s3.bucket()
    const open = () => s3Store({ endpoint: s3.endpoint, bucket, ...S3_CREDENTIALS })
    return {
      store: await open(),
      reopen: open,
      tamper: async (name, bytes) =>
        void (await s3.client.send(new PutObjectCommand({ Bucket: bucket, Key: name, Body: bytes }))),
      remove: async (name) => void (await s3.client.send(new DeleteObjectCommand({ Bucket: bucket, Key: name }))),
    }
  },
}

describe.each(Object.entries(stores))('%s', (_, open) => {
  test('names bytes by their keccak256 and returns the same bytes, also to another process', async () => {
    const { store, reopen } = await open()
    for (const bytes of [
      bytesOf('a sample'),
      new Uint8Array(0),
      Uint8Array.from({ length: 3_000_000 }, (_, i) => i * 7),
    ]) {
      const name = await store.put(bytes)
      expect(name).toBe(keccak256(bytes))
      expect(await store.has(name)).toBe(true)
      expect(Buffer.compare(await (await reopen()).get(name), bytes)).toBe(0)
    }
  })

  test('stores only the visible part of a view into a larger buffer', async () => {
    const { store } = await open()
    const view = new Uint8Array(bytesOf('before-shown-after').buffer, 7, 5)
    expect(Buffer.from(await store.get(await store.put(view))).toString()).toBe('shown')
  })

  test('names the missing artifact', async () => {
    const { store, remove } = await open()
    const name = keccak256(bytesOf('never stored'))
    expect(await store.has(name)).toBe(false)
    await expect(store.get(name)).rejects.toMatchObject({ code: 'missing', message: expect.stringContaining(name) })
    const gone = await store.put(bytesOf('soon gone'))
    await remove(gone)
    await expect(store.get(gone)).rejects.toMatchObject({ code: 'missing' })
    expect(await store.put(bytesOf('soon gone'))).toBe(gone)
    expect(await store.has(gone)).toBe(true)
  })

  test('refuses bytes that do not match their name', async () => {
    const { store, tamper } = await open()
    const name = await store.put(bytesOf('honest bytes'))
    for (const bytes of [bytesOf('forged bytes'), bytesOf('honest byte'), new Uint8Array(0)]) {
      await tamper(name, bytes)
      await expect(store.get(name)).rejects.toMatchObject({ code: 'corrupt' })
    }
  })

  test.each([
    '../../etc/passwd',
    '0x/../../secret',
    `0x${'A'.repeat(64)}`,
    `0x${'a'.repeat(63)}`,
    `0x${'a'.repeat(64)}/..`,
    `0x${'a'.repeat(64)}\n`,
    '',
    '.',
    'a\0b',
  ])('rejects %j as a name', async (name) => {
    const { store } = await open()
    await expect(store.get(name)).rejects.toMatchObject({
      code: 'missing',
      message: expect.stringContaining('is not an artifact name'),
    })
    await expect((async () => store.has(name))()).rejects.toThrow(ArtifactError)
  })

  test('the same and different bytes, stored concurrently, are all complete', async () => {
    const { store, reopen } = await open()
    const other = await reopen()
    const contents = Array.from({ length: 40 }, (_, i) => bytesOf(`content ${i % 8} `.repeat(2000)))
    const names = await Promise.all(contents.map((bytes, i) => (i % 2 ? store : other).put(bytes)))
    expect(new Set(names).size).toBe(8)
    for (const [i, name] of names.entries()) expect(Buffer.compare(await store.get(name), must(contents[i]))).toBe(0)
  })
})

describe('localStore', () => {
  test('reads nothing of an interrupted write', async () => {
    const folder = await temporary()
    const store = localStore(folder)
    const name = keccak256(bytesOf('whole'))
    await mkdir(join(folder, name.slice(2, 4)), { recursive: true })
    await writeFile(join(folder, name.slice(2, 4), `${name}.1.1.part`), 'who')
    expect(await store.has(name)).toBe(false)
    await store.put(bytesOf('whole'))
    expect(Buffer.from(await store.get(name)).toString()).toBe('whole')
  })

  const canMount = process.platform === 'linux' && process.getuid?.() === 0
  test.runIf(canMount)(
    'reports a full disk, stores no partial artifact, and works again when there is space',
    async () => {
      const folder = await temporary()
      try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder], { stdio: 'ignore' })
      } catch {
        return // not allowed to mount here
      }
      try {
        const store = localStore(folder)
        const small = await store.put(new Uint8Array(100_000).fill(1))
        const large = new Uint8Array(200_000).fill(2)
        await expect(store.put(large)).rejects.toMatchObject({
          code: 'full',
          message: expect.stringContaining('Free some space'),
        })
        const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) =>
          entry.isFile(),
        )
        expect(files.map(({ name }) => name)).toEqual([small])
        await rm(join(folder, small.slice(2, 4)), { recursive: true })
        expect(await store.get(await store.put(large))).toHaveLength(200_000)
      } finally {
        execFileSync('umount', [folder])
      }
    },
  )

  test('a folder that is a file is an error that names it', async () => {
    const folder = join(await temporary(), 'file')
    await writeFile(folder, 'x')
    const error = await localStore(folder)
      .put(bytesOf('a'))
      .catch((one) => one)
    expect(error).toMatchObject({ code: 'unreachable', message: expect.stringContaining('MODELCOMMONS_HOME') })
    expect(error.message).not.toContain(folder) // clients may see the message
    expect(error.cause.message).toContain(folder)
    expect(await readFile(folder, 'utf8')).toBe('x')
  })
})

describe('s3Store', () => {
  test('a missing bucket, or a server that does not answer, is an immediate error that names the variables', async () => {
    await expect(s3Store({ endpoint: s3.endpoint, bucket: 'no-such-bucket', ...S3_CREDENTIALS })).rejects.toThrow(
      /^S3_ENDPOINT\/S3_BUCKET: bucket no-such-bucket at /,
    )
    const endpoint = `http://127.0.0.1:${await freePort()}`
    await expect(s3Store({ endpoint, bucket: 'any', ...S3_CREDENTIALS })).rejects.toMatchObject({ code: 'unreachable' })
  })

  test('wrong credentials are an error', async () => {
    await s3.client.send(new CreateBucketCommand({ Bucket: 'guarded' }))
    const wrong = { accessKeyId: 'STRANGER', secretAccessKey: 'wrong' }
    await expect(s3Store({ endpoint: s3.endpoint, bucket: 'guarded', ...wrong })).rejects.toMatchObject({
      code: 'unreachable',
    })
  })
})
