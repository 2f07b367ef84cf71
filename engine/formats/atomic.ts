import { existsSync } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'

/**
 * Writes a file so that a reader, a crash or a full disk never sees half of it: the bytes go to a hidden file beside it,
 * reach the disk (fsync), and only then take the name. On failure the earlier file, if any, stands untouched.
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
 * Writes a folder as one: `fill` puts files in a hidden folder beside it, which then takes the name.
 * A folder that exists is refused unless `replace`; then it steps aside first, and `recoverFolder` brings it back
 * should the process die in between.
 */
export async function writeFolderAtomically(
  path: string,
  fill: (folder: string) => Promise<void>,
  { replace = false } = {},
): Promise<void> {
  await recoverFolder(path)
  if (existsSync(path) && !replace) {
    throw new Error(`${path} exists. Choose another folder, or pass replace: true to overwrite it.`)
  }
  await withPartial(path, async (partial) => {
    await mkdir(partial)
    await fill(partial)
    await syncFolder(partial)
    const aside = previousName(path)
    if (existsSync(path)) {
      await rm(aside, { recursive: true, force: true })
      await rename(path, aside)
    }
    await rename(partial, path)
    await rm(aside, { recursive: true, force: true })
  })
}

/** Puts back a folder whose replacement was cut short between stepping aside and taking the name. */
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

/** Removes what killed processes left behind while writing the same target. */
async function removeLeftovers(target: string): Promise<void> {
  const folder = dirname(target)
  const prefix = `.${basename(target)}.`
  for (const name of await readdir(folder)) {
    const left = name.startsWith(prefix) && /^(\d+)-\d+\.partial$/.exec(name.slice(prefix.length))
    if (!left || writing.has(join(folder, name))) continue
    if (Number(left[1]) === process.pid || !isAlive(Number(left[1]))) {
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

/** Makes names in a folder durable. Windows opens no folders and needs none of this. */
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
    return `The disk is full: ${path} was not written, and what stood there before is untouched. Free space and retry.`
  }
  return `${path} was not written, and what stood there before is untouched: ${cause.message}`
}
