import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import pLimit from 'p-limit'
import { ContentHash } from './contentHash.ts'
import { BrokenTransferError, fileError, missingArtifact } from './errors.ts'
import { writeAtomically } from './folder.ts'
import { requireName, validName } from './names.ts'
import { ObjectMissingError, type ObjectStore } from './objects.ts'

/** A place from which artifacts are read by name. It need not be trusted. */
export type ReadableObjects = Pick<ObjectStore, 'where' | 'read'>

export type Parts = AsyncIterable<Uint8Array>

/** More sockets or open files at a time make nothing faster. */
const MAX_CALLS = 48

/** Runs at most `MAX_CALLS` calls to one place at a time. */
export function limitedCalls() {
  const limit = pLimit(MAX_CALLS)
  return <T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> =>
    limit(() => {
      signal?.throwIfAborted()
      return work()
    })
}

/** Reads artifacts, and checks each against its name while its parts arrive. */
export class VerifiedReader {
  constructor(
    private readonly objects: ReadableObjects,
    private readonly call = limitedCalls(),
  ) {}

  /** Gives the parts to `keep`, which must not use them before this resolves. A transfer that breaks off is begun once more.
   *  @throws ArtifactError, ArtifactStoreError */
  async read(name: string, signal: AbortSignal | undefined, keep: (parts: Parts) => Promise<void>): Promise<void> {
    validName(name)
    const once = async () => {
      const hash = await ContentHash.start()
      await keep(hashed(this.objects.read(name, { signal }), hash))
      requireName(name, hash.name())
    }
    const attempt = () => this.call(signal, once)
    try {
      await attempt().catch((error) => {
        if (error instanceof BrokenTransferError) return attempt()
        throw error
      })
    } catch (error) {
      if (error instanceof ObjectMissingError) throw missingArtifact(name, this.objects.where, error.cause)
      throw error
    }
  }

  /** Writes the artifact to the file `path`, complete or not at all. @throws ArtifactError, ArtifactStoreError */
  async readFile(name: string, path: string, signal?: AbortSignal): Promise<void> {
    await writeAtomically(path, (temporary) =>
      this.read(name, signal, (parts) => pipeline(parts, createWriteStream(temporary))),
    ).catch((error) => {
      throw 'syscall' in error ? fileError('storing an artifact', error) : error
    })
  }
}

async function* hashed(parts: Parts, hash: ContentHash): Parts {
  for await (const part of parts) {
    hash.update(part)
    yield part
  }
}
