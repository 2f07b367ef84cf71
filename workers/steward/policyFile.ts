import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { PermanentError } from '#schema/errors.ts'
import { type StewardFile, stewardFile } from '#schema/policy.ts'

/** The file of STEWARD_FILE cannot be used. */
export class StewardFileError extends PermanentError {
  override name = 'StewardFileError'
}

/** Reads the operator's policies. @throws StewardFileError with the first thing that is wrong in it. */
export async function readStewardFile(path: string): Promise<StewardFile> {
  let value: unknown
  try {
    value = parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw new StewardFileError(`STEWARD_FILE: ${path} cannot be read as YAML: ${(cause as Error).message}`, { cause })
  }
  const parsed = stewardFile.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new StewardFileError(`STEWARD_FILE: ${path}, ${issue?.path.join('.') || 'at the top'}: ${issue?.message}`)
}
