import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { type FileHandle, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import pLimit from 'p-limit'
import { BrokenTransferError, fileError, missingArtifact } from './errors.ts'
import { writeAtomically } from './folder.ts'
import { ContentHash, nameOf, nameOfFile, requireName, validName } from './names.ts'
import { type CallOptions, ObjectMissingError, type ObjectStore } from './objects.ts'

/** Stores bytes by their keccak256 (`0x…`), the name that contracts also use. Every read checks the content against the name, so the store need
 *  not be trusted. Any number of calls may be made at once: the store decides how many run. All calls reject with ArtifactError when the
 *  artifact is missing or its bytes do not have the hash that its name says, and with a RetriableError when the store cannot be used now. */
export interface ArtifactStore {
  /** Stores `bytes` atomically and returns their name; storing them twice is harmless. */
  put(bytes: Uint8Array, options?: CallOptions): Promise<string>
  /** Stores the content of a file without holding it in memory. */
  putFile(path: string, options?: CallOptions): Promise<string>
  get(name: string, options?: CallOptions): Promise<Uint8Array>
  /** Writes the artifact to the file `path`, complete or not at all, without holding it in memory. The file must not be changed. */
  getFile(name: string, path: string, options?: CallOptions): Promise<void>
  /** A file with the artifact's bytes, for reading. The caller closes it. */
  open(name: string, options?: CallOptions): Promise<FileHandle>
  has(name: string, options?: CallOptions): Promise<boolean>
}

/** More sockets or open files at a time make nothing faster. */
const MAX_CALLS = 48

/** The artifacts in an object store. */
export function artifactsIn(objects: ObjectStore): ArtifactStore {
  const limit = pLimit(MAX_CALLS)
  const call = <T>(signal: AbortSignal | undefined, work: () => Promise<T>) =>
    limit(() => {
      signal?.throwIfAborted()
      return work()
    })

  /** Reads the artifact once more when its transfer broke off. */
  async function read(name: string, signal: AbortSignal | undefined, keep: (parts: Parts) => Promise<void>) {
    validName(name)
    const once = async () => {
      const hash = await ContentHash.start()
      await keep(hashed(objects.read(name, { signal }), hash))
      requireName(name, hash.name())
    }
    const attempt = () => call(signal, once)
    try {
      await attempt().catch((error) => {
        if (error instanceof BrokenTransferError) return attempt()
        throw error
      })
    } catch (error) {
      if (error instanceof ObjectMissingError) throw missingArtifact(name, objects.where, error.cause)
      throw error
    }
  }

  const store: ArtifactStore = {
    async put(bytes, { signal } = {}) {
      const name = await nameOf(bytes)
      await call(signal, () => objects.put(name, bytes, { signal }))
      return name
    },
    async putFile(path, { signal } = {}) {
      const file = await open(path)
      const name = await nameOfFile(file).finally(() => file.close())
      const { size } = await stat(path)
      await call(signal, () => objects.put(name, { path, size }, { signal }))
      return name
    },
    async get(name, { signal } = {}) {
      const kept: Uint8Array[] = []
      await read(name, signal, async (parts) => {
        kept.length = 0
        for await (const part of parts) kept.push(part)
      })
      return kept.length === 1 ? (kept[0] as Uint8Array) : Buffer.concat(kept)
    },
    async getFile(name, path, { signal } = {}) {
      await writeAtomically(path, (temporary) =>
        read(name, signal, (parts) => pipeline(parts, createWriteStream(temporary))),
      ).catch((error) => {
        throw 'syscall' in error ? fileError('storing an artifact', error) : error
      })
    },
    async open(name, options) {
      const path = join(tmpdir(), `modelcommons-${randomUUID()}`)
      try {
        await store.getFile(name, path, options)
        return await open(path)
      } finally {
        await rm(path, { force: true })
      }
    },
    has: async (name, { signal } = {}) =>
      (await call(signal, () => objects.size(validName(name), { signal }))) !== undefined,
  }
  return store
}

type Parts = AsyncIterable<Uint8Array>

async function* hashed(parts: Parts, hash: ContentHash): Parts {
  for await (const part of parts) {
    hash.update(part)
    yield part
  }
}
