import { parse } from 'csv-parse/sync'
import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { type PromptCompletion, parseSample, SampleError } from '#rules/sample.ts'
import type { FolderFiles } from './folderFiles.ts'
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
export async function readSampleFile(files: FolderFiles, file: string, problems: Problems): Promise<PlacedSample[]> {
  const rows = await readRows(files, file, problems)
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

async function readRows(files: FolderFiles, file: string, problems: Problems): Promise<Row[] | undefined> {
  if (/\.parquet$/i.test(file)) return readParquet(files, file, problems)
  const text = await readText(files, file, problems)
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

async function readParquet(files: FolderFiles, file: string, problems: Problems): Promise<Row[] | undefined> {
  try {
    const bytes = await files.read(file)
    if (!bytes) return void problems.add(file, WHOLE_FILE, 'is missing.')
    const rows = await parquetReadObjects({ file: new Uint8Array(bytes).buffer, compressors })
    return rows.map((row, index) => ({ line: index + 1, text: JSON.stringify(row, plainNumber) }))
  } catch (error) {
    problems.add(file, WHOLE_FILE, `is not Parquet that can be read: ${(error as Error).message}.`)
    return undefined
  }
}

/** Parquet's 64-bit numbers. */
const plainNumber = (_: string, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)
