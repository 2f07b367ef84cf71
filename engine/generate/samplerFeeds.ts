import { type Feeds, Tensor } from '#engine/graph/index.ts'
import type { GenerationRequest } from './request.ts'
import type { SamplerShape } from './sampler.ts'
import type { Sequence } from './sequence.ts'

const isFiltered = ({ temperature = 0, topK, topP = 1, minP = 0 }: GenerationRequest): boolean =>
  temperature > 0 && (topK !== undefined || topP < 1 || minP > 0)

/** The smallest sampler that serves all of these rows. */
export function samplerShape(rows: readonly Sequence[]): SamplerShape {
  const requests = rows.map(({ request }) => request)
  const sampled = requests.some(({ temperature = 0 }) => temperature > 0)
  return {
    choice: requests.some(isFiltered) ? 'filtered' : sampled ? 'sampled' : 'greedy',
    penalised: rows.some(({ seen }) => seen !== undefined),
    biased: rows.some(({ counts }) => counts !== undefined),
    masked: requests.some(({ grammar }) => grammar !== undefined),
    // Few different widths, so that few programs are compiled.
    top: bucket(Math.max(...requests.map(({ topLogProbabilities = 0 }) => topLogProbabilities))),
  }
}

const bucket = (top: number): number => (top <= 1 ? top : top <= 5 ? 5 : 20)

/** The sampler's feeds for a batch of B rows. The values of a row without a filter allow every token. */
export function samplerFeeds(
  { choice, penalised, biased, masked }: SamplerShape,
  rows: readonly (Sequence | undefined)[],
  B: number,
  V: number,
): Feeds {
  const column = (of: (request: GenerationRequest) => number, otherwise: number): Float32Array =>
    Float32Array.from({ length: B }, (_, index) => (rows[index] ? of(rows[index].request) : otherwise))
  const flags = (of: (row: Sequence) => Uint8Array | undefined, otherwise: number): Tensor => {
    const all = new Uint8Array(B * V).fill(otherwise)
    rows.forEach((row, index) => {
      const own = row && of(row)
      if (own) all.set(own, index * V)
    })
    return new Tensor([B, V], 'bool', all)
  }
  const floats = (of: (row: Sequence) => Float32Array | undefined): Float32Array => {
    const all = new Float32Array(B * V)
    rows.forEach((row, index) => {
      const own = row && of(row)
      if (own) all.set(own, index * V)
    })
    return all
  }
  const above = 2 // more than any sum of probabilities
  return {
    ...(choice !== 'greedy' && { temperature: column(({ temperature = 0 }) => temperature, 0) }),
    ...(choice === 'filtered' && {
      topK: Int32Array.from(column(({ topK = V }) => Math.min(topK, V), V)),
      topP: column(({ topP = 1 }) => (topP < 1 ? topP : above), above),
      minP: column(({ minP = 0 }) => minP, 0),
    }),
    ...(penalised && {
      penalty: column(({ repetitionPenalty = 1 }) => repetitionPenalty, 1),
      seen: flags((row) => row.seen, 0),
    }),
    ...(biased && {
      bias: floats((row) => row.bias),
      presence: column(({ presencePenalty = 0 }) => presencePenalty, 0),
      frequency: column(({ frequencyPenalty = 0 }) => frequencyPenalty, 0),
      counts: floats((row) => row.counts),
    }),
    ...(masked && { allowed: flags((row) => row.allowed(), 1) }),
  }
}
