import type { Hex } from 'viem'
import type { FolderFiles } from './folderFiles.ts'
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

export async function readFolder(files: FolderFiles, problems: Problems): Promise<FolderParts> {
  const { path } = files
  const found = await files.list()
  if (!found) {
    problems.add(path, WHOLE_FILE, 'is no folder. `modelcommons model init` makes one.')
    return { path, test: { items: [] }, decoys: [], validation: { items: [] }, seedData: [] }
  }
  const has = new Set(found)
  const samples = (file: string) => readSampleFile(files, file, problems)
  const sealed = async (file: string, salt: string): Promise<SealedSet> => ({
    items: await samples(file),
    salt: await readSalt(files, salt, problems),
  })
  return {
    path,
    model: await readYaml(files, FILES.model, modelYaml, problems),
    scorers: await readYaml(files, FILES.scorers, scorersYaml, problems),
    test: await sealed(FILES.items, FILES.itemsSalt),
    decoys: has.has(FILES.decoys) ? await samples(FILES.decoys) : [],
    validation: await sealed(FILES.validation, FILES.validationSalt),
    ...(has.has(FILES.gold) && { gold: await sealed(FILES.gold, FILES.goldSalt) }),
    ...(has.has(FILES.prompts) && { prompts: await readPrompts(files, problems) }),
    seedData: await readSeedData(files, found, problems),
    card: await readText(files, FILES.card, problems),
  }
}

const SALT = /^0x[0-9a-f]{64}$/
/** Fewer different digits were not drawn at random. */
const LEAST_DIGITS = 8

async function readSalt(files: FolderFiles, file: string, problems: Problems): Promise<Hex | undefined> {
  const text = (await readText(files, file, problems))?.trim()
  if (text === undefined) return undefined
  if (SALT.test(text) && new Set(text.slice(2)).size >= LEAST_DIGITS) return text as Hex
  problems.add(
    file,
    { line: 1 },
    'must be 32 random bytes: 0x and 64 lower-case hex digits, as `openssl rand -hex 32` prints them.',
  )
  return undefined
}

async function readPrompts(files: FolderFiles, problems: Problems): Promise<string[]> {
  const text = (await readText(files, FILES.prompts, problems)) ?? ''
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

const SEED_DATA = new RegExp(`^${FILES.seedData}/[^/]+$`)

async function readSeedData(files: FolderFiles, found: readonly string[], problems: Problems): Promise<PlacedSample[]> {
  const samples: PlacedSample[] = []
  for (const file of found.filter((one) => SEED_DATA.test(one) && SAMPLE_FILES.test(one)).sort())
    samples.push(...(await readSampleFile(files, file, problems)))
  return samples
}
