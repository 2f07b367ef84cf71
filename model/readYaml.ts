import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type Tags } from 'yaml'
import type { z } from 'zod'
import type { FolderFiles } from './folderFiles.ts'
import { issueText } from './issueText.ts'
import { type Place, type Problems, WHOLE_FILE } from './problems.ts'
import { readText } from './readText.ts'
import { type SoundParts, soundParts } from './soundParts.ts'

/** What could be read of a file of YAML. */
export interface ReadYaml<T> {
  value: SoundParts<T>
  /** Whether what is there has the right form. */
  isSound(path: readonly PropertyKey[]): boolean
  /** Where a key or an item of a list is. */
  placeOf(path: readonly PropertyKey[]): Place
}

/** An alias may repeat a text, but not multiply it. */
const MAX_ALIASES = 100

/** YAML reads 0x… as a number; here it is a hash. */
const customTags = (tags: Tags): Tags => tags.filter((tag) => typeof tag === 'string' || tag.format !== 'HEX')

/** Reads and checks a file, and tells all of its problems; undefined when nothing of it can be used. */
export async function readYaml<T>(
  files: FolderFiles,
  file: string,
  shape: z.ZodType<T>,
  problems: Problems,
): Promise<ReadYaml<T> | undefined> {
  const text = await readText(files, file, problems)
  if (text === undefined) return undefined
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true, customTags })
  const placeOf = (path: readonly PropertyKey[]) => placeIn(document, lines, path)
  const [error] = document.errors
  if (error) {
    const { line, col } = lines.linePos(error.pos[0])
    problems.add(file, { line, column: col }, `is not YAML: ${error.message}.`)
    return undefined
  }
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES })
  } catch (cause) {
    problems.add(file, WHOLE_FILE, `is not YAML of this kind: ${(cause as Error).message}.`)
    return undefined
  }
  const parsed = shape.safeParse(value)
  const issues = parsed.error?.issues ?? []
  for (const issue of issues)
    for (const { path, message } of issueText(issue, shape, value)) problems.add(file, placeOf(path), message)
  const sound = soundParts(shape, value)
  const isSound = (path: readonly PropertyKey[]) =>
    !issues.some((issue) => path.every((step, nth) => issue.path[nth] === step))
  return sound && { value: sound, placeOf, isSound }
}

/** Where a path leads in the text: to the last part of it that is there. */
function placeIn(document: Document, lines: LineCounter, path: readonly PropertyKey[]): Place {
  let node = document.contents as Node | null
  let offset = node?.range?.[0] ?? 0
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document) ?? null
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === step)
      if (!pair) break
      offset = (pair.key as Node).range?.[0] ?? offset
      node = pair.value as Node | null
    } else if (isSeq(node)) {
      node = (node.items[Number(step)] as Node | undefined) ?? null
      offset = node?.range?.[0] ?? offset
    } else break
  }
  const { line, col } = lines.linePos(offset)
  return { line, column: col }
}
