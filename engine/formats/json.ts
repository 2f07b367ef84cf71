import { existsSync } from 'node:fs'
import { writeFileAtomically } from './atomic.ts'
import { openToRead } from './fileBytes.ts'

/** A JSON object from an untrusted file. */
export type JsonObject = Record<string, unknown>

/** Configurations are small and tokenizers reach tens of megabytes; a larger file is neither. */
const MAX_JSON_BYTES = 256 * 1024 * 1024

/** The text of a file; undefined when it is missing. @throws Error for a special file, invalid UTF-8 or a huge file. */
export async function readTextIfAny(path: string): Promise<string | undefined> {
  if (!existsSync(path)) return undefined
  const { file, size } = await openToRead(path)
  try {
    if (size > MAX_JSON_BYTES) throw new Error(`${path} has ${size} bytes; the limit is ${MAX_JSON_BYTES}.`)
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(await file.readFile())
    } catch (cause) {
      throw new Error(`${path} is not UTF-8 text.`, { cause })
    }
  } finally {
    await file.close()
  }
}

/** The object in a JSON file; undefined when the file is missing. */
export async function readJsonIfAny(path: string): Promise<JsonObject | undefined> {
  const text = await readTextIfAny(path)
  if (text === undefined) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new Error(`${path} is not valid JSON: ${(cause as Error).message}`, { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${path} is not a JSON object.`)
  }
  return value as JsonObject
}

/** The object in a JSON file. @throws Error when the file is missing. */
export async function readJson(path: string): Promise<JsonObject> {
  const value = await readJsonIfAny(path)
  if (!value) throw new Error(`${path} is missing.`)
  return value
}

/** Writes two-space JSON with a final newline, atomically. */
export function writeJson(path: string, value: unknown): Promise<void> {
  return writeText(path, `${JSON.stringify(value, null, 2)}\n`)
}

export function writeText(path: string, text: string): Promise<void> {
  return writeFileAtomically(path, (file) => file.writeFile(text, 'utf8'))
}
