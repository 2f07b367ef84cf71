import { constants, mkdirSync } from 'node:fs'
import { copyFile, mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { fileError } from './errors.ts'
import { type ObjectBody, ObjectMissingError, type ObjectStore, sizeOf } from './objects.ts'

/** The path of an object. Objects that are named by `0x…` lie in sub-folders by prefix. */
export function objectPath(folder: string, key: string): string {
  const name = key.slice(key.lastIndexOf('/') + 1)
  return join(folder, dirname(key), name.startsWith('0x') ? name.slice(2, 4) : '', name)
}

const READ_BYTES = 1 << 20
let writes = 0

/** Writes a file through `fill`, under a temporary name that is synced and renamed: the file is always complete. Without `sync`, it may be damaged
 *  after a crash of the host. */
export async function writeAtomically(
  path: string,
  fill: (temporary: string) => Promise<void>,
  { sync = true } = {},
): Promise<void> {
  const temporary = `${path}.${process.pid}.${++writes}.part`
  try {
    await fill(temporary)
    if (sync) {
      const file = await open(temporary, 'r')
      await file.sync().finally(() => file.close())
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** Objects as files under `folder`, which is created if it can be. */
export function folderObjects(folder: string): ObjectStore {
  try {
    mkdirSync(folder, { recursive: true })
  } catch {
    // each call reports the folder that cannot be used
  }
  const pathOf = (key: string) => objectPath(folder, key)
  /** A file that is missing, or the error of a folder that is gone itself, such as one of a network that is not mounted. */
  const absent = async (key: string, cause: unknown) =>
    (await exists(folder)) ? new ObjectMissingError(key, { cause }) : fileError('reading the artifact folder', cause)
  return {
    where: 'the artifact folder',
    async put(key, body) {
      const path = pathOf(key)
      try {
        if ((await stat(path).catch(() => undefined))?.size === sizeOf(body)) return
        await mkdir(dirname(path), { recursive: true })
        await writeAtomically(path, (temporary) => fill(temporary, body))
      } catch (cause) {
        throw fileError('storing an artifact', cause)
      }
    },
    async size(key) {
      try {
        return (await stat(pathOf(key))).size
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw fileError('reading an artifact', cause)
        const error = await absent(key, cause)
        if (error instanceof ObjectMissingError) return undefined
        throw error
      }
    },
    async *read(key) {
      try {
        const file = await open(pathOf(key))
        try {
          yield* file.createReadStream({ highWaterMark: READ_BYTES, autoClose: false })
        } finally {
          await file.close()
        }
      } catch (cause) {
        const { code } = cause as NodeJS.ErrnoException
        if (code === undefined) throw cause // thrown by whoever reads, or an abort
        throw code === 'ENOENT' ? await absent(key, cause) : fileError('reading an artifact', cause)
      }
    },
    async *list(prefix) {
      const root = join(folder, prefix)
      const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch((cause) => {
        if (cause.code === 'ENOENT') return []
        throw fileError('listing the artifact folder', cause)
      })
      for (const entry of entries)
        if (entry.isFile() && !entry.name.endsWith('.part'))
          yield relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/')
    },
    async delete(key) {
      const path = pathOf(key)
      await rm(path, { force: true }).catch((cause) => {
        throw fileError('deleting', cause)
      })
      await removeEmptyFolders(dirname(path), folder)
    },
  }
}

async function fill(path: string, body: ObjectBody): Promise<void> {
  if (!(body instanceof Uint8Array)) return copyFile(body.path, path, constants.COPYFILE_FICLONE)
  const file = await open(path, 'wx')
  await file.writeFile(body).finally(() => file.close())
}

async function removeEmptyFolders(path: string, root: string): Promise<void> {
  if (path === root) return
  const removed = await rmdir(path).then(
    () => true,
    () => false,
  )
  if (removed) await removeEmptyFolders(dirname(path), root)
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  )
