import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { encoders } from './dtypes.ts'
import type { TensorEntry } from './header.ts'
import { readJson, writeJson } from './json.ts'
import { type NonFiniteOptions, SafetensorsFile, type WriteOptions, writeSafetensors } from './safetensors.ts'
import { sortedByName, type Weights } from './weights.ts'

const SINGLE_FILE = 'model.safetensors'
const INDEX_FILE = 'model.safetensors.index.json'

/** Reads `model.safetensors` of a folder, or the shards that `model.safetensors.index.json` names. */
export async function readFolderWeights(folder: string, options: NonFiniteOptions = {}): Promise<Weights> {
  const weights: Weights = new Map()
  await eachFile(folder, async (file) => {
    for (const name of file.entries.keys()) weights.set(name, await file.read(name, options))
  })
  return weights
}

/** Names, types and shapes of the weights in a folder, from the file headers alone. */
export async function listFolderWeights(folder: string): Promise<Map<string, Readonly<TensorEntry>>> {
  const entries = new Map<string, Readonly<TensorEntry>>()
  await eachFile(folder, async (file) => {
    for (const [name, entry] of file.entries) entries.set(name, entry)
  })
  return entries
}

/** Calls `use` for every file, after checking that all files agree with the index. */
async function eachFile(folder: string, use: (file: SafetensorsFile) => Promise<void>): Promise<void> {
  const files: SafetensorsFile[] = []
  try {
    if (existsSync(join(folder, SINGLE_FILE))) {
      files.push(await SafetensorsFile.open(join(folder, SINGLE_FILE)))
    } else if (existsSync(join(folder, INDEX_FILE))) {
      const shards = await readIndex(join(folder, INDEX_FILE))
      for (const [shard, names] of shards) {
        const file = await SafetensorsFile.open(join(folder, shard))
        files.push(file)
        for (const name of names) {
          if (!file.entries.has(name))
            throw new Error(`${INDEX_FILE} says that ${shard} contains ${name}, but it does not.`)
        }
        for (const name of file.entries.keys()) {
          if (!names.has(name)) throw new Error(`${shard} contains ${name}, but ${INDEX_FILE} does not say so.`)
        }
      }
    } else {
      throw new Error(
        `${folder} contains neither ${SINGLE_FILE} nor ${INDEX_FILE}. Other weight formats are not supported.`,
      )
    }
    for (const file of files) await use(file)
  } finally {
    await Promise.all(files.map((file) => file.close()))
  }
}

/** The tensor names that each shard must contain; shards in order of name. */
async function readIndex(path: string): Promise<Map<string, Set<string>>> {
  const { weight_map: map } = await readJson(path)
  if (typeof map !== 'object' || map === null || Array.isArray(map)) throw new Error(`${path} has no weight_map.`)
  const shards = new Map<string, Set<string>>()
  for (const [name, shard] of Object.entries(map)) {
    if (
      typeof shard !== 'string' ||
      shard !== basename(shard) ||
      /[\\\0]/.test(shard) ||
      !/.\.safetensors$/.test(shard)
    ) {
      throw new Error(
        `${path} says that ${JSON.stringify(shard)} contains ${name}; it must be the name of a file in the same folder.`,
      )
    }
    shards.set(shard, (shards.get(shard) ?? new Set()).add(name))
  }
  if (shards.size > 10_000) throw new Error(`${path} names ${shards.size} shards; the limit is 10000.`)
  return new Map([...shards].sort(([a], [b]) => (a < b ? -1 : 1)))
}

export type FolderWriteOptions = WriteOptions & {
  /** Size limit of a shard; a larger tensor gets its own shard. Default 5 GB. */
  maxShardBytes?: number
}

/** Writes `model.safetensors`, or shards with an index when the weights need more than `maxShardBytes`. */
export async function writeFolderWeights(folder: string, weights: Weights, options: FolderWriteOptions = {}) {
  const { maxShardBytes = 5e9, ...rest } = options
  const { bytes } = encoders[options.dtype ?? 'F32']
  let shard: Weights = new Map()
  const shards = [shard]
  let filled = 0
  let total = 0
  for (const [name, tensor] of sortedByName(weights)) {
    const size = tensor.data.length * bytes
    if (filled > 0 && filled + size > maxShardBytes) {
      shard = new Map()
      shards.push(shard)
      filled = 0
    }
    shard.set(name, tensor)
    filled += size
    total += size
  }
  if (shards.length === 1) return writeSafetensors(join(folder, SINGLE_FILE), weights, rest)
  const number = (n: number) => String(n).padStart(5, '0')
  const fileOfTensor: [string, string][] = []
  for (const [i, shard] of shards.entries()) {
    const name = `model-${number(i + 1)}-of-${number(shards.length)}.safetensors`
    await writeSafetensors(join(folder, name), shard, rest)
    for (const tensor of shard.keys()) fileOfTensor.push([tensor, name])
  }
  await writeJson(join(folder, INDEX_FILE), {
    metadata: { total_size: total },
    weight_map: Object.fromEntries(fileOfTensor),
  })
}
