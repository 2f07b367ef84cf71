import { existsSync } from 'node:fs'
import { readTrainingCheckpoint, writeTrainingCheckpoint } from '#engine/train/checkpoint.ts'
import type { ResumableRun, TrainingCheckpoint } from '#engine/train/run.ts'
import { systemCode } from './systemCode.ts'
import { type TaskContext, TaskError } from './task.ts'

/** The disk is full, or over its quota or size limit, fails, or has become read-only: an operator can mend it while the run goes on. */
const DISK_FAULTS = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EROFS'])

export interface CheckpointOptions {
  /** The checkpoint file: the run resumes from it if it exists. Without it nothing is saved. */
  file?: string
  /** What the result depends on (`runIdentity`): the checkpoint of a run with another one is refused. */
  identity: string
  /** Seconds between saves. Default 5. */
  every?: number
}

/**
 * Runs from the checkpoint, if there is one. Saves every few seconds, at the end, and on an abort. A run that was killed at
 * any time and restarted produces the same bytes. When the disk refuses a checkpoint, for example because it is full, the earlier one remains
 * and the run goes on with a warning.
 */
export async function* runWithCheckpoints<Report>(
  run: ResumableRun<Report>,
  { file, identity, every = 5 }: CheckpointOptions,
  { signal, emit }: TaskContext,
): AsyncGenerator<Report, void, undefined> {
  if (file === undefined) return yield* run.start(signal)
  if (existsSync(file)) run.restore(await readOwn(file, identity))
  let isRefused = false
  const save = async () => {
    const checkpoint = { ...(await run.checkpoint()), identity }
    try {
      await writeTrainingCheckpoint(file, checkpoint)
      if (isRefused) emit({ type: 'warning' })
      isRefused = false
    } catch (cause) {
      const code = systemCode(cause)
      if (code === undefined || !DISK_FAULTS.has(code))
        throw new TaskError(`The checkpoint ${file} could not be written: ${(cause as Error).message}`, { cause })
      emit({ type: 'warning', text: `the checkpoint could not be written (${code})` })
      isRefused = true
    }
  }
  let saved = performance.now()
  for await (const report of savingOnError(run.start(signal), save)) {
    yield report
    if (performance.now() - saved < every * 1000) continue
    await save()
    saved = performance.now()
  }
  await save()
}

/** @throws TaskError for the checkpoint of another run: what it learned must not pass for this run's result. */
async function readOwn(file: string, identity: string): Promise<TrainingCheckpoint> {
  const checkpoint = await readTrainingCheckpoint(file)
  if (checkpoint.identity !== undefined && checkpoint.identity !== identity)
    throw new TaskError(
      `The checkpoint ${file} belongs to a run with other data, another base model or other settings. Delete it to train anew, or give this run another place.`,
    )
  return checkpoint
}

/** Yields the reports. When their source throws, for example on an abort, saves before it throws the error on. */
async function* savingOnError<Report>(
  reports: AsyncGenerator<Report, void, undefined>,
  save: () => Promise<void>,
): AsyncGenerator<Report, void, undefined> {
  try {
    yield* reports
  } catch (error) {
    await save()
    throw error
  }
}
