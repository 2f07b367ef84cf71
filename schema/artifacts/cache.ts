import { createWriteStream } from 'node:fs'
import { type FileHandle, link, mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Logger } from 'pino'
import { CacheFolder } from './cacheFolder.ts'
import { ArtifactError, ArtifactStoreError, fileError, tooLargeArtifact } from './errors.ts'
import { writeAtomically } from './folder.ts'
import { nameOf, validName } from './names.ts'
import { SharedCalls } from './sharedCalls.ts'
import type { ArtifactStore } from './store.ts'
import { VerifiedFiles } from './verifiedFiles.ts'

export interface ArtifactCacheOptions {
  /** A folder on this host. Several processes may share it. */
  folder: string
  maxBytes: number
  log?: Pick<Logger, 'warn'>
}

/** How long nothing is kept after the disk refused a write. */
const PAUSE_MS = 60_000

/** Keeps what was read from `store` in a folder, so that each artifact is read from the store once. Every use checks the content against the
 *  name; a file with other content is deleted, and the artifact is read again. While the disk is full nothing is kept: `get` still works,
 *  and only `open` and `getFile`, which need a file, fail. */
export function cachedArtifacts(
  store: ArtifactStore,
  { folder, maxBytes, log }: ArtifactCacheOptions,
): ArtifactStore & { settled(): Promise<void> } {
  const files = new CacheFolder(folder, maxBytes)
  const verified = new VerifiedFiles()
  const reads = new SharedCalls<Uint8Array>()
  const downloads = new SharedCalls<void>()
  let pausedUntil = 0

  async function keep(name: string, bytes: Uint8Array): Promise<void> {
    if (performance.now() < pausedUntil || bytes.length > maxBytes) return
    const path = files.path(name)
    try {
      await mkdir(dirname(path), { recursive: true })
      await writeAtomically(path, (temporary) => writeFile(temporary, bytes), { sync: false })
      files.added(name, bytes.length)
    } catch (err) {
      pausedUntil = performance.now() + PAUSE_MS
      log?.warn({ err }, 'artifacts are not cached for a minute: the disk of MODELCOMMONS_HOME refuses them')
    }
  }

  async function getCached(name: string, most: number | undefined): Promise<Uint8Array | undefined> {
    const path = files.path(name)
    if (most !== undefined && ((await stat(path).catch(() => undefined))?.size ?? 0) > most)
      throw tooLargeArtifact(name, most)
    const bytes = await readFile(path).catch(() => undefined)
    if (!bytes) return undefined
    if ((await nameOf(bytes)) !== name) return drop(name)
    await files.touch(name)
    return bytes
  }

  async function openCached(name: string): Promise<FileHandle | undefined> {
    const file = await open(files.path(name)).catch(() => undefined)
    if (!file) return undefined
    try {
      await verified.require(file, name)
    } catch (error) {
      if (error instanceof ArtifactError) return drop(name)
      throw error
    }
    await files.touch(name)
    return file
  }

  async function drop(name: string): Promise<undefined> {
    await rm(files.path(name), { force: true })
    log?.warn({ artifact: name }, 'a file of the artifact cache was damaged; the artifact is read again')
  }

  const download = (name: string, signal?: AbortSignal) =>
    downloads.call(name, signal, async (shared) => {
      const path = files.path(name)
      await mkdir(dirname(path), { recursive: true }).catch((cause) => {
        throw fileError('caching an artifact', cause)
      })
      await store.getFile(name, path, { signal: shared })
      const file = await open(path)
      files.added(name, (await file.stat()).size)
      await file.close()
    })

  const cached: ArtifactStore = {
    has: store.has,
    putFile: store.putFile,
    async put(bytes, options) {
      const name = await store.put(bytes, options)
      await keep(name, bytes)
      return name
    },
    async get(name, { signal, maxBytes } = {}) {
      const bytes = await getCached(validName(name), maxBytes)
      if (bytes) return bytes
      return reads.call(`${name} ${maxBytes}`, signal, async (shared) => {
        const read = await store.get(name, { signal: shared, maxBytes })
        await keep(name, read)
        return read
      })
    },
    async open(name, { signal } = {}) {
      validName(name)
      const file = await openCached(name)
      if (file) return file
      await download(name, signal)
      const downloaded = await openCached(name)
      if (downloaded) return downloaded
      throw new ArtifactStoreError('full', 'The artifact cache lost a file at once. Raise ARTIFACT_CACHE_BYTES.')
    },
    async getFile(name, path, options) {
      const file = await cached.open(name, options)
      try {
        await writeAtomically(path, (temporary) =>
          // A link costs no space. Where none is possible, on another disk or after an eviction, the open file is copied.
          link(files.path(name), temporary).catch(() =>
            pipeline(file.createReadStream({ start: 0, autoClose: false }), createWriteStream(temporary)),
          ),
        )
      } catch (cause) {
        throw fileError('copying an artifact', cause)
      } finally {
        await file.close()
      }
    },
  }
  return { ...cached, settled: () => files.settled() }
}
