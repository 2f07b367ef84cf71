import { createHash } from 'node:crypto'
import type { Weights } from '#engine/formats/weights.ts'
import type { BaseModel, LoadedAdapter } from './models.ts'

/** Values read from each end of a tensor: training changes every tensor everywhere, so a few tell models apart. */
const PROBED_VALUES = 256

/**
 * What two runs must have in common so that one may continue the other's checkpoint: the base model, the adapter that it starts from, and
 * everything else that its result depends on, as the caller lists it (samples, learning rate, seed, …; not where files lie).
 * @returns SHA-256 as hex.
 */
export function runIdentity(
  base: Pick<BaseModel, 'config' | 'weights'>,
  start: LoadedAdapter | undefined,
  settings: unknown,
): string {
  const hash = createHash('sha256')
  hash.update(JSON.stringify([base.config, start?.lora ?? null, settings]))
  for (const weights of [base.weights, start?.weights ?? new Map()]) addWeights(hash, weights)
  return hash.digest('hex')
}

function addWeights(hash: ReturnType<typeof createHash>, weights: Weights): void {
  for (const [name, { shape, data }] of weights) {
    hash.update(`${name} ${shape} `)
    for (const part of [data.subarray(0, PROBED_VALUES), data.subarray(-PROBED_VALUES)])
      hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength))
  }
}
