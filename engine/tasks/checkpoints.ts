import { existsSync } from 'node:fs'
import { readTrainingCheckpoint, writeTrainingCheckpoint } from '#engine/train/checkpoint.ts'
import type { TrainingCheckpoint } from '#engine/train/run.ts'
import { TaskError } from './task.ts'

/** A run that can be saved and continued: of supervised training, of preferences, of a policy. */
interface Resumable<Report> {
  start(signal?: AbortSignal): AsyncGenerator<Report, void, undefined>
  checkpoint(): Promise<TrainingCheckpoint>
  restore(checkpoint: TrainingCheckpoint): void
}

export interface CheckpointOptions {
  /** Where the run is saved, and continued from when the file exists; without it nothing is saved. */
  file?: string
  /** Seconds between saves. Default 5. */
  every?: number
}

/**
 * Goes through a run from where its file stands, saving every few seconds and at its end, also when that is an abort:
 * a run that was killed at any moment and started again ends with the same bytes.
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
  let saved = Date.now()
  for await (const report of aborting(run.start(signal), save)) {
    yield report
    if (Date.now() - saved < every * 1000) continue
    await save()
    saved = Date.now()
  }
  await save()
}

/** Passes reports on; when their source throws, as on an abort, saves first. */
async function* aborting<Report>(
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
