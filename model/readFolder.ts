import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hex } from 'viem'
import { type ModelYaml, modelYaml, type Scorers, scorersYaml } from './format.ts'
import { type Problems, WHOLE_FILE } from './problems.ts'
import { readText } from './readText.ts'
import { type ReadYaml, readYaml } from './readYaml.ts'
import { linesOf, type PlacedSample, readSampleFile, SAMPLE_FILES } from './sampleFile.ts'

/** Where things are in a model folder. */
export const FILES = {
  model: 'model.yaml',
  scorers: 'rubric/scorers.yaml',
  items: 'rubric/items.jsonl',
  decoys: 'rubric/decoys.jsonl',
  itemsSalt: 'rubric/salt',
  validation: 'validation/items.jsonl',
  validationSalt: 'validation/salt',
  gold: 'judging/gold.jsonl',
  goldSalt: 'judging/salt',
  prompts: 'judging/prompts.jsonl',
  seedData: 'seed-data',
  card: 'CARD.md',
} as const

/** Items that nobody may read before they are opened. */
export interface SealedSet {
  /** As secret as the items: without it, nobody can test a guess against what is published. */
  salt?: Hex
  items: readonly PlacedSample[]
}

/** What could be read of a folder. */
export interface FolderParts {
  path: string
  model?: ReadYaml<ModelYaml>
  scorers?: ReadYaml<Scorers>
  test: SealedSet
  decoys: readonly PlacedSample[]
  validation: SealedSet
  /** Absent where the folder has none. */
  gold?: SealedSet
  /** To compare answers to. */
  prompts?: readonly string[]
  seedData: readonly PlacedSample[]
  card?: string
}

export async function readFolder(path: string, problems: Problems): Promise<FolderParts> {
  const found = await readdir(path, { recursive: true }).catch(() => undefined)
  if (!found) {
    problems.add('.', WHOLE_FILE, 'is no folder. `modelcommons model init` makes one.')
    return { path, test: { items: [] }, decoys: [], validation: { items: [] }, seedData: [] }
  }
  const has = new Set(found.map((file) => file.replaceAll('\\', '/')))
  const samples = (file: string) => readSampleFile(path, file, problems)
  const sealed = async (file: string, salt: string): Promise<SealedSet> => ({
    items: await samples(file),
    salt: await readSalt(path, salt, problems),
  })
  return {
    path,
    model: await readYaml(path, FILES.model, modelYaml, problems),
    scorers: await readYaml(path, FILES.scorers, scorersYaml, problems),
    test: await sealed(FILES.items, FILES.itemsSalt),
    decoys: has.has(FILES.decoys) ? await samples(FILES.decoys) : [],
    validation: await sealed(FILES.validation, FILES.validationSalt),
    ...(has.has(FILES.gold) && { gold: await sealed(FILES.gold, FILES.goldSalt) }),
    ...(has.has(FILES.prompts) && { prompts: await readPrompts(path, problems) }),
    seedData: await readSeedData(path, problems),
    card: await readText(path, FILES.card, problems),
  }
}

const SALT = /^0x[0-9a-f]{64}$/
/** Fewer different digits were not drawn at random. */
const LEAST_DIGITS = 8

async function readSalt(folder: string, file: string, problems: Problems): Promise<Hex | undefined> {
  const text = (await readText(folder, file, problems))?.trim()
  if (text === undefined) return undefined
  if (SALT.test(text) && new Set(text.slice(2)).size >= LEAST_DIGITS) return text as Hex
  problems.add(
    file,
    { line: 1 },
    'must be 32 random bytes: 0x and 64 lower-case hex digits, as `openssl rand -hex 32` prints them.',
  )
  return undefined
}

async function readPrompts(folder: string, problems: Problems): Promise<string[]> {
  const text = (await readText(folder, FILES.prompts, problems)) ?? ''
  return linesOf(text).flatMap(({ text: line, ...place }) => {
    try {
      const { prompt, ...rest } = JSON.parse(line)
      if (typeof prompt === 'string' && prompt.trim() && Object.keys(rest).length === 0) return [prompt]
    } catch {
      // The problem below says so.
    }
    problems.add(FILES.prompts, place, 'must be {"prompt": "..."} and nothing else.')
    return []
  })
}

async function readSeedData(folder: string, problems: Problems): Promise<PlacedSample[]> {
  const files = await readdir(join(folder, FILES.seedData)).catch(() => [])
  const samples: PlacedSample[] = []
  for (const file of files.filter((one) => SAMPLE_FILES.test(one)).sort())
    samples.push(...(await readSampleFile(folder, `${FILES.seedData}/${file}`, problems)))
  return samples
}
