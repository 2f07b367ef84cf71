import { mkdirSync, writeFileSync } from 'node:fs'
import { link, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import type { Logger } from 'pino'
import { ArtifactError, type CheckpointStore } from '#schema/artifacts/index.ts'
import type { JobCheckpoint } from '#schema/offchain/jobs.ts'
import { METRICS_FILE } from './metricsFile.ts'

/** The folder in which a job keeps its checkpoints on this host. Files are replaced by renaming, never changed, but for the metrics. */

/** The latest attempt that wrote in the folder. */
const ATTEMPT_FILE = '.attempt'
/** Listings of a folder that changes while it is copied. */
const MAX_TRIES = 10

/** Creates the folder for an attempt. */
export function openCheckpointFolder(folder: string, attempt: number): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, ATTEMPT_FILE), String(attempt))
}

/** Fetches the checkpoint that the job's row names, unless an attempt on this host has written the folder as late. A checkpoint that is
 *  lost or damaged is skipped: the job then continues with what this host has, or from its start. */
export async function restoreCheckpoint(
  store: CheckpointStore,
  folder: string,
  checkpoint: JobCheckpoint,
  { signal, log }: { signal: AbortSignal; log: Logger },
): Promise<void> {
  const latest = Number(await readFile(join(folder, ATTEMPT_FILE), 'utf8').catch(() => '0'))
  if (latest >= checkpoint.attempt) return
  const fetched = `${folder}.fetched`
  await rm(fetched, { recursive: true, force: true })
  try {
    for (const [path, key] of Object.entries(checkpoint.files)) {
      await mkdir(dirname(join(fetched, path)), { recursive: true })
      await store.getFile(key, join(fetched, path), { signal })
    }
    await writeFile(join(fetched, ATTEMPT_FILE), String(checkpoint.attempt))
    await rm(folder, { recursive: true, force: true })
    await rename(fetched, folder)
    log.info({ from: checkpoint.attempt }, 'the job continues from a checkpoint of another host')
  } catch (err) {
    await rm(fetched, { recursive: true, force: true })
    if (!(err instanceof ArtifactError)) throw err
    log.warn({ err }, 'the checkpoint in the store cannot be used')
  }
}

export interface SnapshotFile {
  /** Relative to the folder, with slashes. */
  path: string
  /** Equal for the same content, different after a change. */
  version: string
  /** A link to the content as it was when the snapshot was taken. */
  link: string
}

/** Links the files of the folder, all as they were at one time, into `target`. Hidden and partial files are left out, and the metrics, which are in
 *  the database. */
export async function snapshotFolder(folder: string, target: string): Promise<SnapshotFile[]> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    await rm(target, { recursive: true, force: true })
    await mkdir(target, { recursive: true })
    const before = await listing(folder)
    const files = before.map((file, index) => ({ ...file, link: join(target, String(index)) }))
    const linked = await Promise.all(
      files.map(({ path, link: to }) =>
        link(join(folder, path), to).then(
          () => true,
          (error) => {
            if (error.code === 'ENOENT') return false // it was replaced just now
            throw error
          },
        ),
      ),
    )
    if (linked.every(Boolean) && versionOf(await listing(folder)) === versionOf(before)) return files
  }
  return [] // the next snapshot may have more luck
}

/** Equal for two states of a folder with the same content. */
export const versionOf = (files: { path: string; version: string }[]): string =>
  files.map(({ path, version }) => `${path} ${version}`).join('\n')

async function listing(folder: string) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
    .filter((path) => path !== METRICS_FILE && !/(^|\/)\.|\.(part|partial)$/.test(path))
    .sort()
  const files = await Promise.all(
    paths.map(async (path) => {
      const found = await stat(join(folder, path)).catch(() => undefined)
      return found ? [{ path, version: `${found.ino}-${found.size}-${found.mtimeMs}` }] : []
    }),
  )
  return files.flat()
}
