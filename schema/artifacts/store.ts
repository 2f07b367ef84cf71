import { randomUUID } from 'node:crypto'
import { type FileHandle, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tooLargeArtifact } from './errors.ts'
import { nameOf, nameOfFile, validName } from './names.ts'
import type { CallOptions, ObjectStore } from './objects.ts'
import { limitedCalls, VerifiedReader } from './verifiedRead.ts'

/** Stores bytes by their keccak256 (`0x…`), the name that contracts also use. Every read checks the content against the name, so the store need
 *  not be trusted. Any number of calls may be made at once: the store decides how many run. All calls reject with ArtifactError when the
 *  artifact is missing or its bytes do not have the hash that its name says, and with a RetriableError when the store cannot be used now. */
export interface ArtifactStore {
  /** Stores `bytes` atomically and returns their name; storing them twice is harmless. */
  put(bytes: Uint8Array, options?: CallOptions): Promise<string>
  /** Stores the content of a file without holding it in memory. */
  putFile(path: string, options?: CallOptions): Promise<string>
  get(name: string, options?: GetOptions): Promise<Uint8Array>
  /** Writes the artifact to the file `path`, complete or not at all, without holding it in memory. The file must not be changed. */
  getFile(name: string, path: string, options?: CallOptions): Promise<void>
  /** A file with the artifact's bytes, for reading. The caller closes it. */
  open(name: string, options?: CallOptions): Promise<FileHandle>
  has(name: string, options?: CallOptions): Promise<boolean>
}

export interface GetOptions extends CallOptions {
  /** A larger artifact is not read into memory: whoever names artifacts on chain may name any. */
  maxBytes?: number
}

/** The artifacts in an object store. */
export function artifactsIn(objects: ObjectStore): ArtifactStore {
  const call = limitedCalls()
  const reader = new VerifiedReader(objects, call)
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
    async get(name, { signal, maxBytes = Number.POSITIVE_INFINITY } = {}) {
      const kept: Uint8Array[] = []
      await reader.read(name, signal, async (parts) => {
        kept.length = 0
        let size = 0
        for await (const part of parts) {
          size += part.length
          if (size > maxBytes) throw tooLargeArtifact(name, maxBytes)
          kept.push(part)
        }
      })
      return kept.length === 1 ? (kept[0] as Uint8Array) : Buffer.concat(kept)
    },
    getFile: (name, path, { signal } = {}) => reader.readFile(name, path, signal),
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
