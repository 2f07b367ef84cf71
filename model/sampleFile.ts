import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { type PromptCompletion, parseSample, SampleError } from '#rules/sample.ts'
import { type Place, type Problems, WHOLE_FILE } from './problems.ts'
import { readText } from './readText.ts'

/** A sample and where it is. In Parquet the line is the row, from 1. */
export interface PlacedSample extends Place {
  file: string
  sample: PromptCompletion
}

type Row = Place & { text: string }

/** The forms of sample files, by the end of their names. */
export const SAMPLE_FILES = /\.(jsonl|csv|parquet)$/i

/** Reads samples: JSON Lines, or CSV or Parquet with the columns `prompt` and `completion`. Tells each line that is no sample. */
export async function readSampleFile(folder: string, file: string, problems: Problems): Promise<PlacedSample[]> {
  const rows = await readRows(folder, file, problems)
  if (rows?.length === 0) problems.add(file, WHOLE_FILE, 'has no samples.')
  return (rows ?? []).flatMap(({ text, ...place }) => {
    try {
      return [{ file, ...place, sample: parseSample(text) }]
    } catch (error) {
      if (!(error instanceof SampleError)) throw error
      problems.add(file, place, error.message)
      return []
    }
  })
}

async function readRows(folder: string, file: string, problems: Problems): Promise<Row[] | undefined> {
  if (/\.parquet$/i.test(file)) return readParquet(folder, file, problems)
  const text = await readText(folder, file, problems)
  if (text === undefined) return undefined
  return /\.csv$/i.test(file) ? readCsv(text, file, problems) : linesOf(text)
}

/** The lines of JSON Lines that are not blank. */
export const linesOf = (text: string): Row[] =>
  text
    .split('\n')
    .map((line, index) => ({ line: index + 1, text: line }))
    .filter((row) => row.text.trim() !== '')

function readCsv(text: string, file: string, problems: Problems): Row[] | undefined {
  try {
    const rows: { record: object; info: { lines: number } }[] = parse(text, { columns: true, info: true })
    return rows.map(({ record, info }) => ({ line: info.lines, text: JSON.stringify(record) }))
  } catch (error) {
    const { lines = 0, message } = error as Error & { lines?: number }
    problems.add(file, { line: lines }, `is not CSV: ${message}.`)
    return undefined
  }
}

async function readParquet(folder: string, file: string, problems: Problems): Promise<Row[] | undefined> {
  try {
    const path = join(folder, file)
    await stat(path)
    const rows = await parquetReadObjects({ file: await asyncBufferFromFile(path), compressors })
    return rows.map((row, index) => ({ line: index + 1, text: JSON.stringify(row, plainNumber) }))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    problems.add(file, WHOLE_FILE, code === 'ENOENT' ? 'is missing.' : `is not Parquet that can be read: ${message}.`)
    return undefined
  }
}

/** Parquet's 64-bit numbers. */
const plainNumber = (_: string, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)
