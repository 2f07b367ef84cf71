import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { type BaseDescription, inspectBase } from '#engine/tasks/describeBase.ts'
import { encodePair } from '#engine/tasks/encode.ts'
import type { PromptCompletion } from '#rules/sample.ts'
import { PermanentError } from '#schema/errors.ts'
import { diskFolder } from './diskFolder.ts'
import { divideSamples } from './divideSamples.ts'
import { modelText, scorersText } from './modelText.ts'
import { Problems, problemText } from './problems.ts'
import { FILES } from './readFolder.ts'
import { readSampleFile, SAMPLE_FORMS, type SampleColumns } from './sampleFile.ts'
import { spdxName } from './spdx.ts'
import { TEMPLATES, type TemplateName } from './templates.ts'

export interface InitOptions {
  template: TemplateName
  name?: string
  /** The folder of the base model. */
  base?: string
  /** A file of samples, which are divided among rubric, validation and seed data. */
  data?: string
  /** Of that file, where they are not named prompt and completion. */
  columns?: SampleColumns
  licence: string
  /** Default: what the base model's README says. */
  baseLicence?: string
  now?: Date
}

export interface InitReport {
  folder: string
  items: number
  validation: number
  seedData: number
  /** Samples that are copies, or so like a sealed item that training must not have them. */
  left: number
}

/** Makes a model folder, complete or not at all. @throws PermanentError when there is one already, or the data cannot be read. */
export async function initFolder(path: string, options: InitOptions): Promise<InitReport> {
  const folder = resolve(path)
  if ((await readdir(folder).catch(() => [])).length > 0)
    throw new PermanentError(`${path} is not empty. Name a folder that does not exist yet.`)
  const template = TEMPLATES[options.template]
  const samples = options.data === undefined ? template.samples : await readData(options.data, options.columns)
  const { items, validation, seedData, left } = divideSamples(samples)
  const held = [...items, ...validation]
  const base = options.base === undefined ? undefined : await inspectBase(resolve(options.base))
  const part = join(dirname(folder), `.${basename(folder)}.${process.pid}`)
  const write = async (file: string, text: string) => {
    await mkdir(dirname(join(part, file)), { recursive: true })
    await writeFile(join(part, file), text)
  }
  try {
    const name = options.name ?? basename(folder)
    await write(
      FILES.model,
      modelText({
        ...{
          name,
          template,
          completionPattern: template.completionPattern(samples.map(({ completion }) => completion)),
        },
        licence: options.licence,
        base: options.base === undefined ? 'base' : relative(folder, resolve(options.base)),
        baseLicence: options.baseLicence ?? (options.base && (await licenceOf(options.base))) ?? 'UNKNOWN',
        maxPromptLength: roundedUp(Math.max(...samples.map(({ prompt }) => prompt.length)), 100),
        seedData: seedData.length,
        now: options.now ?? new Date(),
      }),
    )
    await write(FILES.scorers, scorersText(template.metrics, longestAnswer(held, base)))
    await write(FILES.items, jsonLines(items))
    await write(FILES.itemsSalt, newSalt())
    await write(FILES.validation, jsonLines(validation))
    await write(FILES.validationSalt, newSalt())
    await write(`${FILES.seedData}/samples.jsonl`, jsonLines(seedData))
    await write(FILES.card, `# ${name}\n\n${template.purpose}\n`)
    await write('.gitignore', SEALED_FILES.map((file) => `/${file}\n`).join(''))
    await rm(folder, { recursive: true, force: true }) // an empty one
    await rename(part, folder)
  } finally {
    await rm(part, { recursive: true, force: true })
  }
  return { folder: path, items: items.length, validation: validation.length, seedData: seedData.length, left }
}

/** What no public repository may have. */
const SEALED_FILES = [
  FILES.items,
  FILES.decoys,
  FILES.itemsSalt,
  FILES.validation,
  FILES.validationSalt,
  FILES.gold,
  FILES.goldSalt,
]

async function readData(file: string, columns?: SampleColumns): Promise<PromptCompletion[]> {
  const problems = new Problems()
  if ((await diskFolder('').size(file)) === undefined) throw new PermanentError(`${file} is no file. ${SAMPLE_FORMS}`)
  const samples = await readSampleFile(diskFolder(dirname(file)), basename(file), problems, columns)
  if (problems.list.length) throw new PermanentError(problems.sorted.map(problemText).join('\n'))
  return samples.map(({ sample }) => sample)
}

const jsonLines = (samples: readonly PromptCompletion[]) =>
  samples.map((sample) => `${JSON.stringify(sample)}\n`).join('')

const newSalt = () => `0x${randomBytes(32).toString('hex')}\n`

const roundedUp = (value: number, step: number) => Math.ceil(value / step) * step

/** In tokens, with some room; without a base model, a guess by characters. */
function longestAnswer(samples: readonly PromptCompletion[], base?: BaseDescription): number {
  const lengths = samples.map((sample) =>
    base ? encodePair(base, sample).completion.length : sample.completion.length,
  )
  return roundedUp(Math.max(...lengths) + 1, 8)
}

/** The licence that a Hugging Face README names at its beginning, in SPDX's spelling. */
async function licenceOf(folder: string): Promise<string | undefined> {
  const readme = await readFile(join(folder, 'README.md'), 'utf8').catch(() => '')
  const named = /^---\r?\n[\s\S]*?^license:\s*["']?([\w.-]+)/m.exec(readme)?.[1]
  return named && spdxName(named)
}
