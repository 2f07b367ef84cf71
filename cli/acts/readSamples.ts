import { readFile } from 'node:fs/promises'
import { parse } from 'csv-parse/sync'
import { ConfigError } from '#config'
import { type PromptCompletion, parseSample, SampleError } from '#rules/sample.ts'

/** Reads samples from a file: JSON Lines, or CSV with the columns `prompt` and `completion`.
 *  @throws ConfigError that names every line that is wrong, and why. */
export async function readSamples(file: string): Promise<PromptCompletion[]> {
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new ConfigError(`${file} cannot be read (${cause.message}).`, { cause })
  })
  const problems: string[] = []
  const samples = linesOf(file, text).flatMap(({ line, sample }) => {
    try {
      return [parseSample(sample)]
    } catch (error) {
      if (!(error instanceof SampleError)) throw error
      problems.push(`${file}:${line}: ${error.message}`)
      return []
    }
  })
  if (problems.length) throw new ConfigError(problems.slice(0, MAX_SHOWN).join('\n'))
  if (samples.length === 0) throw new ConfigError(`${file} has no samples.`)
  return samples
}

const MAX_SHOWN = 20

function linesOf(file: string, text: string): { line: number; sample: string }[] {
  if (/\.csv$/i.test(file)) {
    try {
      const rows: { record: object; info: { lines: number } }[] = parse(text, { columns: true, info: true, bom: true })
      return rows.map(({ record, info }) => ({ line: info.lines, sample: JSON.stringify(record) }))
    } catch (cause) {
      throw new ConfigError(`${file} is not CSV: ${(cause as Error).message}.`, { cause })
    }
  }
  return text
    .split('\n')
    .map((sample, index) => ({ line: index + 1, sample }))
    .filter(({ sample }) => sample.trim() !== '')
}
