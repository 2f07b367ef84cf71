import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { S3_CREDENTIALS, startS3, type TestS3 } from '../test/s3.ts'
import { artifactsIn, checkpointOwner, checkpointsIn, folderObjects, s3Objects } from './index.ts'
import type { ObjectStore } from './objects.ts'

let s3: TestS3
beforeAll(async () => {
  s3 = await startS3()
})
afterAll(() => s3.close())

const temporary = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-checkpoints-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

interface Opened {
  objects: ObjectStore
  damage(key: string): Promise<unknown>
}

const places: Record<string, () => Promise<Opened>> = {
  async folder() {
    const folder = await temporary()
    return { objects: folderObjects(folder), damage: (key) => writeFile(join(folder, key), 'damaged') }
  },
  async bucket() {
    const Bucket = await s3.bucket()
    return {
      objects: await s3Objects({ endpoint: s3.endpoint, bucket: Bucket, ...S3_CREDENTIALS }),
      damage: (Key) => s3.client.send(new PutObjectCommand({ Bucket, Key, Body: 'damaged' })),
    }
  },
}

describe.each(Object.entries(places))('checkpoints in a %s', (_, open) => {
  test('are stored, listed by job, fetched and deleted, and are no artifacts', async () => {
    const { objects } = await open()
    const store = checkpointsIn(objects)
    const [folder, artifacts] = [await temporary(), artifactsIn(objects)]
    const artifact = await artifacts.put(Buffer.from('an artifact'))
    const path = join(folder, 'training')
    await writeFile(path, 'step 1')
    const key = await store.putFile('job-1', '1-a', path)
    expect(await store.putFile('job-1', '1-a', path)).toBe(key)
    const other = await store.putFile('job-2', '1-b', path)
    expect(checkpointOwner(key)).toEqual({ job: 'job-1', writer: '1-a' })
    const listed = async (job?: string) => {
      const keys: string[] = []
      for await (const one of store.list(job)) keys.push(one)
      return keys.sort()
    }
    expect(await listed('job-1')).toEqual([key])
    expect(await listed()).toEqual([key, other].sort())
    await store.getFile(key, join(folder, 'fetched'))
    expect(await readFile(join(folder, 'fetched'), 'utf8')).toBe('step 1')
    await store.delete(key)
    await store.delete(key)
    expect(await listed()).toEqual([other])
    await expect(store.getFile(key, join(folder, 'gone'))).rejects.toMatchObject({ code: 'missing' })
    expect(Buffer.from(await artifacts.get(artifact)).toString()).toBe('an artifact')
  })

  test('that are damaged are refused, and leave no file', async () => {
    const { objects, damage } = await open()
    const store = checkpointsIn(objects)
    const folder = await temporary()
    await writeFile(join(folder, 'training'), 'step 1')
    const key = await store.putFile('job-1', '1-a', join(folder, 'training'))
    await damage(key)
    await expect(store.getFile(key, join(folder, 'fetched'))).rejects.toMatchObject({ code: 'corrupt' })
    await expect(readFile(join(folder, 'fetched'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test.each(['../other', 'a/b', '', '.hidden'])('of a job %j cannot be stored', async (job) => {
    const { objects } = await open()
    const path = join(await temporary(), 'training')
    await writeFile(path, 'x')
    await expect(checkpointsIn(objects).putFile(job, '1-a', path)).rejects.toThrow(RangeError)
  })
})
