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

export const SAMPLE_FORMS = 'Name one of JSON Lines (.jsonl), CSV (.csv) or Parquet (.parquet).'

/** The columns, or the fields of JSON, that are taken as the prompt and the completion. All others are left out. */
export type SampleColumns = readonly [prompt: string, completion: string]

/** Reads samples: JSON Lines, or CSV or Parquet with the columns `prompt` and `completion`, or others that are named. Tells each line that is no sample. */
export async function readSampleFile(
  files: FolderFiles,
  file: string,
  problems: Problems,
  columns?: SampleColumns,
): Promise<PlacedSample[]> {
  const rows = await readRows(files, file, problems, columns)
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

async function readRows(
  files: FolderFiles,
  file: string,
  problems: Problems,
  columns?: SampleColumns,
): Promise<Row[] | undefined> {
  if (/\.parquet$/i.test(file)) return readParquet(files, file, problems, columns)
  const text = await readText(files, file, problems)
  if (text === undefined) return undefined
  if (/\.csv$/i.test(file)) return readCsv(text, file, problems, columns)
  return columns ? linesOf(text).map((row) => ({ ...row, text: pickedText(row.text, columns) })) : linesOf(text)
}

/** The lines of JSON Lines that are not blank. */
export const linesOf = (text: string): Row[] =>
  text
    .split('\n')
    .map((line, index) => ({ line: index + 1, text: line }))
    .filter((row) => row.text.trim() !== '')

/** What is no object stays as it is, for the reader of samples to tell. */
function pickedText(text: string, columns: SampleColumns): string {
  try {
    return JSON.stringify(picked(JSON.parse(text), columns))
  } catch {
    return text
  }
}

function picked(value: unknown, [prompt, completion]: SampleColumns): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const row = value as Record<string, unknown>
  return { prompt: row[prompt], completion: row[completion] }
}

function readCsv(text: string, file: string, problems: Problems, columns?: SampleColumns): Row[] | undefined {
  try {
    const rows: { record: object; info: { lines: number } }[] = parse(text, {
      ...{ columns: (names: string[]) => names.map(plainName), delimiter: delimiterOf(text), info: true },
    })
    return placedRows(
      rows.map(({ record, info }) => [{ line: info.lines }, record]),
      file,
      problems,
      columns,
    )
  } catch (error) {
    const { lines = 0, message } = error as Error & { lines?: number }
    problems.add(file, { line: lines }, `is not CSV: ${message}.`)
    return undefined
  }
}

/** What separates the columns: a comma, else what spreadsheets write where the comma is a decimal sign, else a tab. */
function delimiterOf(text: string): string {
  const [head = ''] = text.split('\n', 1)
  return [',', ';', '\t'].find((one) => head.includes(one)) ?? ','
}

/** `Prompt ` is `prompt`. */
const plainName = (name: string): string =>
  /^\s*(prompt|completion)\s*$/i.test(name) ? name.trim().toLowerCase() : name

async function readParquet(
  files: FolderFiles,
  file: string,
  problems: Problems,
  columns?: SampleColumns,
): Promise<Row[] | undefined> {
  try {
    const bytes = await files.read(file)
    if (!bytes) return void problems.add(file, WHOLE_FILE, 'is missing.')
    const rows = await parquetReadObjects({ file: new Uint8Array(bytes).buffer, compressors })
    return placedRows(
      rows.map((row, index) => [{ line: index + 1 }, row]),
      file,
      problems,
      columns,
    )
  } catch (error) {
    problems.add(file, WHOLE_FILE, `is not Parquet that can be read: ${(error as Error).message}.`)
    return undefined
  }
}

/** The rows of a table, when it has exactly the columns of samples, or those that are named. */
function placedRows(
  rows: readonly [Place, object][],
  file: string,
  problems: Problems,
  columns?: SampleColumns,
): Row[] | undefined {
  const [first] = rows
  const names = Object.keys(first?.[1] ?? {})
  const needed = columns ?? ['prompt', 'completion']
  const isSound = needed.every((name) => names.includes(name)) && (columns !== undefined || names.length === 2)
  if (first && !isSound) {
    const list = names.map((name) => JSON.stringify(name)).join(', ')
    const advice = columns
      ? `Name two of them, as --columns ${needed.join(',')} does.`
      : 'A sample has prompt and completion and nothing else: rename or remove columns, or name yours with --columns PROMPT,COMPLETION.'
    return void problems.add(file, { line: 1 }, `The columns are ${list}. ${advice}`)
  }
  return rows.map(([place, row]) => ({
    ...place,
    text: JSON.stringify(columns ? picked(row, columns) : row, plainNumber),
  }))
}

/** Parquet's 64-bit numbers. */
const plainNumber = (_: string, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)
