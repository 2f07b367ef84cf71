import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import type { Logger } from 'pino'
import type { CheckpointStore } from '#schema/artifacts/index.ts'
import type { JobCheckpoint, JobRun } from '#schema/offchain/jobs.ts'
import { untilAborted } from '#schema/untilAborted.ts'
import { snapshotFolder, versionOf } from './checkpointFolder.ts'
import { ClaimLostError } from './jobState.ts'

export interface CheckpointUploadsOptions {
  store: CheckpointStore
  job: Pick<JobRun, 'id' | 'attempt' | 'checkpoint'>
  folder: string
  log: Logger
  /** Shortest time between two uploads. Uploads take at most a tenth of the time. */
  everyMs: number
  /** Names the checkpoint in the job's row. @throws ClaimLostError when another attempt has the job. */
  record(checkpoint: JobCheckpoint): Promise<void>
}

/** Copies the checkpoints of a running job to the store, in the background, so that another host can continue the job. The job's row names the
 *  newest complete one; what it supersedes is deleted. */
export class CheckpointUploads {
  private readonly writer: string
  private readonly stopping = new AbortController()
  /** Keys by the versions of files that are in the store. */
  private known = new Map<string, string>()
  private recorded: JobCheckpoint | null
  private uploadedVersion = ''
  private timer: NodeJS.Timeout | undefined
  private uploading: Promise<void> | undefined
  private failing = false

  constructor(private readonly options: CheckpointUploadsOptions) {
    const { job } = options
    this.writer = `${job.attempt}-${randomBytes(6).toString('hex')}`
    this.recorded = job.checkpoint
  }

  /** Begins to watch the folder. */
  start(): void {
    if (!this.timer) this.schedule(this.options.everyMs)
  }

  private schedule(ms: number): void {
    if (this.stopping.signal.aborted) return
    this.timer = setTimeout(async () => {
      const begin = performance.now()
      this.uploading = this.upload(this.stopping.signal)
      await this.uploading
      this.schedule(Math.max(this.options.everyMs, 10 * (performance.now() - begin)))
    }, ms)
    this.timer.unref()
  }

  /** Ends the uploads in the background and copies the newest checkpoint, if there is one that is not in the store, until `signal` aborts. */
  async finish(signal: AbortSignal): Promise<void> {
    await this.stop()
    if (this.timer) await this.upload(signal)
  }

  /** Ends the uploads in the background. */
  async stop(): Promise<void> {
    clearTimeout(this.timer)
    this.stopping.abort()
    await this.uploading
  }

  /** Deletes all checkpoints of the job, which has ended. What cannot be deleted now, the sweep deletes. */
  async discard(signal: AbortSignal): Promise<void> {
    await this.stop()
    if (!this.recorded && !this.known.size) return
    const { store, job, log } = this.options
    try {
      for await (const key of store.list(job.id, { signal })) await store.delete(key, { signal })
    } catch (err) {
      log.warn({ err }, 'could not delete the checkpoints of a job that ended; the sweep will')
    }
  }

  /** One upload. It never rejects: training goes on without. */
  private async upload(signal: AbortSignal): Promise<void> {
    const { folder, log } = this.options
    const snapshot = `${folder}.snapshot`
    try {
      await this.uploadSnapshot(snapshot, signal)
      if (this.failing) log.info('checkpoints are copied to the store again')
      this.failing = false
    } catch (err) {
      if (signal.aborted || err instanceof ClaimLostError) return
      if (!this.failing)
        log.warn({ err }, 'could not copy a checkpoint to the store; the job goes on, and it is tried again')
      this.failing = true
    } finally {
      await rm(snapshot, { recursive: true, force: true }).catch(() => {})
    }
  }

  private async uploadSnapshot(snapshot: string, signal: AbortSignal): Promise<void> {
    const { store, job, folder, record } = this.options
    const files = await snapshotFolder(folder, snapshot)
    const version = versionOf(files)
    if (files.length === 0 || version === this.uploadedVersion) return
    const known = new Map<string, string>()
    const checkpoint: JobCheckpoint = { attempt: job.attempt, files: {} }
    for (const file of files) {
      const key = this.known.get(file.version) ?? (await store.putFile(job.id, this.writer, file.link, { signal }))
      known.set(file.version, key)
      this.known.set(file.version, key)
      checkpoint.files[file.path] = key
    }
    await untilAborted(record(checkpoint), signal) // a database that does not answer must not keep the worker from stopping
    const superseded = [...this.known.values(), ...Object.values(this.recorded?.files ?? {})]
    const used = new Set(known.values())
    this.recorded = checkpoint
    this.known = known
    this.uploadedVersion = version
    for (const key of new Set(superseded)) if (!used.has(key)) await store.delete(key, { signal })
  }
}
