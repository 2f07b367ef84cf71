import { ClientError } from '#client/errors.ts'

/** At once: each is published on its own, and a transaction takes 40. */
const MAX_SAMPLES = 2000

/** The values in a file of samples, unchecked. @throws ClientError that names the line that cannot be read. */
export async function readSampleText(name: string, text: string): Promise<unknown[]> {
  const values = /\.csv$/i.test(name) ? await readCsv(text) : readLines(text)
  if (values.length === 0) throw new ClientError('The file has no sample.')
  if (values.length > MAX_SAMPLES)
    throw new ClientError(
      `The file has ${values.length} samples; at most ${MAX_SAMPLES} are given from here at once. Split it, or use \`modelcommons contribute\`.`,
    )
  return values
}

function readLines(text: string): unknown[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return []
    try {
      return [JSON.parse(line)]
    } catch {
      throw new ClientError(`Line ${index + 1} is not JSON. Write {"prompt": "…", "completion": "…"} on each line.`)
    }
  })
}

async function readCsv(text: string): Promise<unknown[]> {
  const { parse } = await import('csv-parse/browser/esm/sync')
  try {
    return parse(text, { columns: true, bom: true, skip_empty_lines: true })
  } catch (cause) {
    throw new ClientError(`The CSV cannot be read: ${(cause as Error).message}.`, { cause })
  }
}
