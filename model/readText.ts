import type { FolderFiles } from './folderFiles.ts'
import { type Problems, WHOLE_FILE } from './problems.ts'

/** Editors on Windows write one. */
const BYTE_ORDER_MARK = '\uFEFF'

/** The text of a file of the folder, without a byte order mark; undefined, with the problem told, when there is none. */
export async function readText(files: FolderFiles, file: string, problems: Problems): Promise<string | undefined> {
  const say = (message: string, line = 0) => void problems.add(file, { line }, message)
  let bytes: Uint8Array | undefined
  try {
    bytes = await files.read(file)
  } catch (error) {
    const { code, name } = error as { code?: unknown; name: string }
    return say(`cannot be read (${typeof code === 'string' ? code : name}).`)
  }
  if (!bytes) return say('is missing. `modelcommons model init` shows what a folder has.')
  const [first, second] = bytes
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))
    return say('is UTF-16. Save it as UTF-8.')
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  const broken = text.includes('\uFFFD') ? firstInvalidLine(bytes) : undefined
  if (broken !== undefined) return say('is not UTF-8 here. Save the file as UTF-8.', broken)
  const plain = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text
  if (plain.trim() === '') return say('is empty.', WHOLE_FILE.line)
  return plain
}

/** The first line that is not UTF-8. A line feed is no part of any other character. */
function firstInvalidLine(bytes: Uint8Array): number | undefined {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  for (let start = 0, line = 1; start < bytes.length; line++) {
    const end = bytes.indexOf(0x0a, start)
    const next = end === -1 ? bytes.length : end + 1
    try {
      decoder.decode(bytes.subarray(start, next))
    } catch {
      return line
    }
    start = next
  }
  return undefined
}
