import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { ArtifactError, fileError } from './errors.ts'
import { writeAtomically } from './folder.ts'
import { type CallOptions, ObjectMissingError, type ObjectStore } from './objects.ts'

/** Files of checkpoints, by which another host continues a job. They are no artifacts: nothing else refers to them, so they are deleted when they
 *  are superseded or their job has ended. Each file lies under `checkpoints/<job>/<writer>/<sha256>`. A writer is one attempt of a job in one
 *  process: no other writes or deletes its files, so that a process which lost its job deletes nothing that the next one uses. */
export interface CheckpointStore {
  /** Stores a file that does not change, and returns its key. A file that is already there is not sent again. */
  putFile(job: string, writer: string, path: string, options?: CallOptions): Promise<string>
  /** Writes the file of a key to `path`, complete or not at all. @throws ArtifactError when it is missing or damaged. */
  getFile(key: string, path: string, options?: CallOptions): Promise<void>
  /** The keys of all files, or of those of one job. */
  list(job?: string, options?: CallOptions): AsyncIterable<string>
  delete(key: string, options?: CallOptions): Promise<void>
}

const PREFIX = 'checkpoints/'
const SEGMENT = /^[\w][\w.-]*$/

function segment(text: string): string {
  if (!SEGMENT.test(text)) throw new RangeError(`${JSON.stringify(text)} cannot be part of a checkpoint's key.`)
  return text
}

/** The job and the writer of a key; undefined when the object is no file of a checkpoint. */
export function checkpointOwner(key: string): { job: string; writer: string } | undefined {
  const [prefix, job, writer, name, ...rest] = key.split('/')
  return prefix === 'checkpoints' && job && writer && name && rest.length === 0 ? { job, writer } : undefined
}

export function checkpointsIn(objects: ObjectStore): CheckpointStore {
  return {
    async putFile(job, writer, path, { signal } = {}) {
      const key = `${PREFIX}${segment(job)}/${segment(writer)}/${await sha256(path)}`
      const { size } = await stat(path)
      if ((await objects.size(key, { signal })) !== size) await objects.put(key, { path, size }, { signal })
      return key
    },
    async getFile(key, path, { signal } = {}) {
      const expected = key.slice(key.lastIndexOf('/') + 1)
      const hash = createHash('sha256')
      await writeAtomically(path, async (temporary) => {
        await pipeline(
          objects.read(key, { signal }),
          async function* (parts: AsyncIterable<Uint8Array>) {
            for await (const part of parts) {
              hash.update(part)
              yield part
            }
          },
          createWriteStream(temporary),
        )
        if (hash.digest('hex') !== expected) throw new ArtifactError('corrupt', 'A file of a checkpoint is damaged.')
      }).catch((error) => {
        if (error instanceof ObjectMissingError)
          throw new ArtifactError('missing', 'A file of a checkpoint is missing.', { cause: error })
        throw 'syscall' in error ? fileError('storing a checkpoint', error) : error
      })
    },
    list: (job, options) => objects.list(job === undefined ? PREFIX : `${PREFIX}${segment(job)}/`, options),
    delete: (key, options) => objects.delete(key, options),
  }
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const part of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(part)
  return hash.digest('hex')
}
