import { existsSync } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'

/**
 * Writes a file atomically: the bytes go to a hidden file in the same folder, are synchronised to disk (fsync), and are
 * then renamed. After a crash or on a full disk the earlier file, if any, is unchanged.
 */
export async function writeFileAtomically(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  await withPartial(path, async (partial) => {
    const file = await open(partial, 'wx', 0o644)
    try {
      await write(file)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(partial, path)
  })
}

/**
 * Writes a folder atomically: `fill` writes into a hidden folder, which is then renamed to `path`.
 * An existing folder is an error unless `replace` is true. Then it is first renamed to a hidden name; if the process dies
 * before the new folder has its name, `recoverFolder` restores the old one.
 */
export async function writeFolderAtomically(
  path: string,
  fill: (folder: string) => Promise<void>,
  { replace = false } = {},
): Promise<void> {
  await recoverFolder(path)
  if (existsSync(path) && !replace) {
    throw new Error(`${path} already exists. Choose another folder, or pass replace: true to overwrite it.`)
  }
  await withPartial(path, async (partial) => {
    await mkdir(partial)
    await fill(partial)
    await syncFolder(partial)
    const previous = previousName(path)
    if (existsSync(path)) {
      await rm(previous, { recursive: true, force: true })
      await rename(path, previous)
    }
    await rename(partial, path)
    await rm(previous, { recursive: true, force: true })
  })
}

/** Restores a folder whose replacement was interrupted between the two renames. */
export async function recoverFolder(path: string): Promise<void> {
  if (!existsSync(path) && existsSync(previousName(path))) await rename(previousName(path), path)
}

const writing = new Set<string>()
let counter = 0

async function withPartial(path: string, write: (partial: string) => Promise<void>): Promise<void> {
  const target = resolve(path)
  const folder = dirname(target)
  await mkdir(folder, { recursive: true })
  const partial = join(folder, `.${basename(target)}.${process.pid}-${counter++}.partial`)
  writing.add(partial)
  try {
    await removeLeftovers(target)
    await write(partial)
    await syncFolder(folder)
  } catch (cause) {
    await rm(partial, { recursive: true, force: true }).catch(() => {})
    throw new Error(failureMessage(path, cause as NodeJS.ErrnoException), { cause })
  } finally {
    writing.delete(partial)
  }
}

/** Removes partial files that killed processes left while they wrote the same target. */
async function removeLeftovers(target: string): Promise<void> {
  const folder = dirname(target)
  const prefix = `.${basename(target)}.`
  for (const name of await readdir(folder)) {
    const leftover = name.startsWith(prefix) && /^(\d+)-\d+\.partial$/.exec(name.slice(prefix.length))
    if (!leftover || writing.has(join(folder, name))) continue
    const pid = Number(leftover[1])
    if (pid === process.pid || !isAlive(pid)) {
      await rm(join(folder, name), { recursive: true, force: true })
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Makes the names in a folder durable. Windows cannot open folders and does not need this. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function previousName(path: string): string {
  return join(dirname(resolve(path)), `.${basename(resolve(path))}.previous`)
}

function failureMessage(path: string, cause: NodeJS.ErrnoException): string {
  if (cause.code === 'ENOSPC' || cause.code === 'EDQUOT') {
    return `The disk is full: ${path} was not written and its earlier content is unchanged. Free disk space and try again.`
  }
  return `${path} was not written and its earlier content is unchanged: ${cause.message}`
}
