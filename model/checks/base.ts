import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { readJson } from '#engine/formats/json.ts'
import { parseConfig } from '#engine/model/config.ts'
import { type BaseDescription, inspectBase } from '#engine/tasks/describeBase.ts'
import { encodePair } from '#engine/tasks/encode.ts'
import { type Problems, WHOLE_FILE } from '../problems.ts'
import { FILES, type FolderParts } from '../readFolder.ts'
import type { PlacedSample } from '../sampleFile.ts'

/** The base model must be one that the engine computes exactly, and everything must fit into its context. */
export async function checkBase(parts: FolderParts, problems: Problems): Promise<void> {
  const { folder } = parts.model?.value.base ?? {}
  if (folder === undefined) return
  const base = await inspect(parts, folder, problems)
  if (base) checkLengths(base, parts, problems)
}

/** Configuration and weights are looked at apart, so that a mistake in one does not hide one in the other. */
async function inspect({ path, model }: FolderParts, folder: string, problems: Problems) {
  const place = resolve(path, folder)
  const told = new Set<string>()
  const attempt = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work()
    } catch (error) {
      const message = (error as Error).message.replaceAll(place, folder)
      if (told.has(message)) return undefined
      told.add(message)
      const [file = ''] = /^(config|generation_config|tokenizer|tokenizer_config)\.json/.exec(message) ?? []
      const line = file ? await lineOf(join(place, file), message) : undefined
      if (line) problems.add(join(folder, file), { line }, message)
      else problems.add(FILES.model, model?.placeOf(['base', 'folder']) ?? WHOLE_FILE, `base.folder: ${message}`)
      return undefined
    }
  }
  await attempt(async () => parseConfig(await readJson(join(place, 'config.json'))))
  return attempt(() => inspectBase(place))
}

/** The line of the first field that the message names. */
async function lineOf(file: string, message: string): Promise<number | undefined> {
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n')
  const names = new Set(message.match(/[a-z]\w*/g))
  const at = lines.findIndex((line) => names.has(/^\s*"(\w+)"\s*:/.exec(line)?.[1] ?? ''))
  return at === -1 ? undefined : at + 1
}

function checkLengths(base: BaseDescription, parts: FolderParts, problems: Problems): void {
  const context = base.config.max_position_embeddings
  const answer = parts.scorers?.value.maxTokens
  if (answer !== undefined && answer >= context)
    problems.add(
      FILES.scorers,
      parts.scorers?.placeOf(['maxTokens']) ?? WHOLE_FILE,
      `maxTokens ${answer} leaves no room for a prompt: the base model has ${context} tokens.`,
    )
  const check = (one: PlacedSample, sealed: boolean) => {
    const { prompt, completion } = encodePair(base, one.sample)
    const [given, right] = [prompt.length, completion.length]
    if (sealed && answer !== undefined && right > answer)
      problems.add(
        one.file,
        one,
        `Its completion has ${right} tokens with its end; ${FILES.scorers} allows ${answer} (maxTokens).`,
      )
    const room = sealed ? Math.max(answer ?? 0, right) : right
    if (given + room > context)
      problems.add(
        one.file,
        one,
        `Its prompt of ${given} tokens and an answer of ${room} are too long: the base model has ${context} tokens. Shorten it by ${given + room - context}.`,
      )
  }
  for (const one of [...parts.test.items, ...(parts.gold?.items ?? [])]) check(one, true)
  for (const one of [...parts.validation.items, ...parts.seedData]) check(one, false)
}
