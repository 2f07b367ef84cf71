import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { encoders } from './dtypes.ts'
import type { TensorEntry } from './header.ts'
import { readJson, writeJson } from './json.ts'
import { type NonFiniteOptions, SafetensorsFile, type WriteOptions, writeSafetensors } from './safetensors.ts'
import type { Weights } from './weights.ts'

const SINGLE_FILE = 'model.safetensors'
const INDEX_FILE = 'model.safetensors.index.json'

/** Reads a folder's `model.safetensors`, or the shards that `model.safetensors.index.json` names. */
export async function readFolderWeights(folder: string, options: NonFiniteOptions = {}): Promise<Weights> {
  const weights: Weights = new Map()
  await eachFile(folder, async (file) => {
    for (const name of file.entries.keys()) weights.set(name, await file.read(name, options))
  })
  return weights
}

/** Names, types and shapes of a folder's weights from the headers alone. */
export async function listFolderWeights(folder: string): Promise<Map<string, Readonly<TensorEntry>>> {
  const entries = new Map<string, Readonly<TensorEntry>>()
  await eachFile(folder, async (file) => {
    for (const [name, entry] of file.entries) entries.set(name, entry)
  })
  return entries
}

/** Opens every file in turn, having checked that all files and the index agree before any data is read. */
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
          if (!file.entries.has(name)) throw new Error(`${INDEX_FILE} places ${name} in ${shard}, which lacks it.`)
        }
        for (const name of file.entries.keys()) {
          if (!names.has(name)) throw new Error(`${shard} holds ${name}, which ${INDEX_FILE} does not place there.`)
        }
      }
    } else {
      throw new Error(`${folder} holds neither ${SINGLE_FILE} nor ${INDEX_FILE}. Other weight formats are not read.`)
    }
    for (const file of files) await use(file)
  } finally {
    await Promise.all(files.map((file) => file.close()))
  }
}

/** The names each shard must hold, shards in order of name. */
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
      throw new Error(`${path} places ${name} in ${JSON.stringify(shard)}; a file name in the same folder is expected.`)
    }
    shards.set(shard, (shards.get(shard) ?? new Set()).add(name))
  }
  if (shards.size > 10_000) throw new Error(`${path} names ${shards.size} shards; at most 10000 are opened.`)
  return new Map([...shards].sort(([a], [b]) => (a < b ? -1 : 1)))
}

export type FolderWriteOptions = WriteOptions & {
  /** A new shard begins before this many bytes are passed; a larger tensor has a shard of its own. Default 5 GB. */
  maxShardBytes?: number
}

/** Writes `model.safetensors`, or shards and their index when the weights pass `maxShardBytes`. */
export async function writeFolderWeights(folder: string, weights: Weights, options: FolderWriteOptions = {}) {
  const { maxShardBytes = 5e9, ...rest } = options
  const { bytes } = encoders[options.dtype ?? 'F32']
  const shards: Weights[] = [new Map()]
  let filled = 0
  let total = 0
  for (const name of [...weights.keys()].sort()) {
    const tensor = weights.get(name)!
    const size = tensor.data.length * bytes
    if (filled > 0 && filled + size > maxShardBytes) {
      shards.push(new Map())
      filled = 0
    }
    shards.at(-1)!.set(name, tensor)
    filled += size
    total += size
  }
  if (shards.length === 1) return writeSafetensors(join(folder, SINGLE_FILE), weights, rest)
  const number = (n: number) => String(n).padStart(5, '0')
  const placed: [string, string][] = []
  for (const [i, shard] of shards.entries()) {
    const name = `model-${number(i + 1)}-of-${number(shards.length)}.safetensors`
    await writeSafetensors(join(folder, name), shard, rest)
    for (const tensor of shard.keys()) placed.push([tensor, name])
  }
  await writeJson(join(folder, INDEX_FILE), {
    metadata: { total_size: total },
    weight_map: Object.fromEntries(placed),
  })
}
