import { existsSync } from 'node:fs'
import { readTrainingCheckpoint, writeTrainingCheckpoint } from '#engine/train/checkpoint.ts'
import type { TrainingCheckpoint } from '#engine/train/run.ts'
import { TaskError } from './task.ts'

/** A training run that can be saved and resumed: supervised, preferences or policy. */
interface Resumable<Report> {
  start(signal?: AbortSignal): AsyncGenerator<Report, void, undefined>
  checkpoint(): Promise<TrainingCheckpoint>
  restore(checkpoint: TrainingCheckpoint): void
}

export interface CheckpointOptions {
  /** The checkpoint file: the run resumes from it if it exists. Without it nothing is saved. */
  file?: string
  /** Seconds between saves. Default 5. */
  every?: number
}

/**
 * Runs from the checkpoint, if there is one. Saves every few seconds, at the end, and on an abort. A run that was killed at
 * any time and restarted produces the same bytes.
 */
export async function* runWithCheckpoints<Report>(
  run: Resumable<Report>,
  { file, every = 5 }: CheckpointOptions,
  signal: AbortSignal,
): AsyncGenerator<Report, void, undefined> {
  if (file === undefined) return yield* run.start(signal)
  if (existsSync(file)) run.restore(await readTrainingCheckpoint(file))
  const save = async () => {
    try {
      await writeTrainingCheckpoint(file, await run.checkpoint())
    } catch (cause) {
      throw new TaskError(`The checkpoint ${file} could not be written: ${(cause as Error).message}`, { cause })
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
