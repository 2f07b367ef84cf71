import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { nameOfFile, requireName } from '#schema/artifacts/names.ts'
import { ObjectMissingError, type ObjectStore } from '#schema/artifacts/objects.ts'
import { JOURNAL_PREFIX } from '#schema/journal/answers.ts'

/** The keys of all artifacts and checkpoints of a store, sorted. The journal of answers is no part of a backup: it is what comes after it. A folder keeps `0x…` in a sub-folder of its first two digits, which is not part of the key. */
export async function keysOf(objects: ObjectStore): Promise<string[]> {
  const keys: string[] = []
  for await (const path of objects.list(''))
    if (!path.startsWith(JOURNAL_PREFIX)) keys.push(path.replace(/(^|\/)[0-9a-f]{2}\/(?=0x[0-9a-f]{64}$)/, '$1'))
  return keys.sort()
}

/** Copies one object through a file in `folder`. @returns its size; undefined when it is not there any more.
 *  @throws ArtifactError when an artifact does not have the content that its key names. */
export async function copyObject(
  from: ObjectStore,
  to: ObjectStore,
  key: string,
  folder: string,
): Promise<number | undefined> {
  const size = await from.size(key)
  if (size === undefined || (await to.size(key)) === size) return size
  const path = join(folder, `.${randomUUID()}.part`)
  try {
    await mkdir(dirname(path), { recursive: true })
    await pipeline(from.read(key), createWriteStream(path))
    await requireContent(key, path)
    await to.put(key, { path, size })
    return size
  } catch (error) {
    if (error instanceof ObjectMissingError) return undefined
    throw error
  } finally {
    await rm(path, { force: true })
  }
}

/** Artifacts are named by their content; other objects, such as checkpoints, are not. */
async function requireContent(name: string, path: string): Promise<void> {
  if (!name.startsWith('0x')) return
  const file = await open(path)
  try {
    requireName(name, await nameOfFile(file))
  } finally {
    await file.close()
  }
}
