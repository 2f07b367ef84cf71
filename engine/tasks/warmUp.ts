import { inspectCheckpoint } from '#engine/formats/checkpoint.ts'
import { answerPrompts } from './generate.ts'
import { hasPlaceFor, isBaseLoaded, loadAdapter, loadBase } from './models.ts'
import type { TaskContext } from './task.ts'

export interface WarmUpTaskInput {
  baseFolder: string
  adapterFolder: string
  /** What the process may use. */
  memoryBytes: number
}

/** A weight has 32 bits in memory, and the graph that runs may have a copy. */
const BYTES_PER_WEIGHT = 2 * 4

/**
 * Loads a model before a call needs it, and lets it answer one token, so that what the first answer would prepare is prepared. It takes neither the place of
 * another model nor memory that the process may not use: then it loads nothing.
 */
export async function warmUpTask(
  { baseFolder, adapterFolder, memoryBytes }: WarmUpTaskInput,
  { signal }: TaskContext,
): Promise<{ loaded: boolean }> {
  if (!(await hasPlaceFor(baseFolder, adapterFolder))) return { loaded: false }
  if (!(await isBaseLoaded(baseFolder)) && process.memoryUsage.rss() + (await bytesOf(baseFolder)) > memoryBytes)
    return { loaded: false }
  const base = await loadBase(baseFolder)
  const adapter = await loadAdapter(base, adapterFolder)
  await answerPrompts(base, adapter, [{ prompt: 'Hello', maxTokens: 1 }], { signal, emit() {} })
  return { loaded: true }
}

async function bytesOf(baseFolder: string): Promise<number> {
  const { tensors } = await inspectCheckpoint(baseFolder)
  const weights = [...tensors.values()].map(({ shape }) => shape.reduce((size, length) => size * length, 1))
  return weights.reduce((sum, size) => sum + size, 0) * BYTES_PER_WEIGHT
}
