import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { diskFolder } from './diskFolder.ts'
import { Problems, problemText } from './problems.ts'
import { readSampleFile, type SampleColumns } from './sampleFile.ts'
import { newFolder } from './test/newFolder.ts'

const read = async (folder: string, file: string, columns?: SampleColumns) => {
  const problems = new Problems()
  const samples = await readSampleFile(diskFolder(folder), file, problems, columns)
  return [samples.map(({ line, sample }) => [line, sample.prompt, sample.completion]), problems.sorted.map(problemText)]
}

const ROWS = [
  ['Where is it, please?', 'We look.'],
  ['And now?', 'It came.'],
]

test('the same samples are read from JSON Lines, CSV and Parquet, each with its line or row', async () => {
  const { path, write } = await newFolder()
  await write('s.jsonl', ROWS.map(([prompt, completion]) => `\n${JSON.stringify({ prompt, completion })}`).join(''))
  await write('s.csv', '\uFEFFprompt,completion\r\n"Where is it, please?",We look.\r\nAnd now?,It came.\r\n')
  await write('s.parquet', await readFile(join(import.meta.dirname, 'test/samples.parquet')))
  const placed = (...lines: number[]) => [ROWS.map((row, nth) => [lines[nth], ...row]), []]
  expect(await read(path, 's.jsonl')).toEqual(placed(2, 3))
  expect(await read(path, 's.csv')).toEqual(placed(2, 3))
  expect(await read(path, 's.parquet')).toEqual(placed(1, 2))
})

test('a file that cannot be read is told, by line where it has one', async () => {
  const { path, write } = await newFolder()
  await write('s.csv', 'prompt,answer\nWhere?,Here.\n')
  await write('broken.csv', 'prompt,completion\n"Where?,Here.\n')
  await write('s.parquet', 'PAR1 and no more PAR1')
  await write('none.jsonl', '\n\n')
  expect(await read(path, 's.csv')).toEqual([
    [],
    [expect.stringMatching(/^s.csv:1: The columns are "prompt", "answer"\. A sample has prompt and completion/)],
  ])
  expect(await read(path, 'broken.csv')).toEqual([[], [expect.stringMatching(/^broken.csv:\d+: is not CSV: /)]])
  expect(await read(path, 's.parquet')).toEqual([
    [],
    [expect.stringMatching(/^s.parquet: is not Parquet that can be read: /)],
  ])
  expect(await read(path, 'none.jsonl')).toEqual([[], ['none.jsonl: is empty.']])
  expect(await read(path, 'missing.parquet')).toEqual([[], ['missing.parquet: is missing.']])
})

test('columns of other names are taken as they are named, of tables and of JSON; all others are left out', async () => {
  const { path, write } = await newFolder()
  await write('s.csv', 'id,Question,answer\n1,"Where is it, please?",We look.\n2,And now?,It came.\n')
  await write(
    's.jsonl',
    ROWS.map(([prompt, completion]) => `${JSON.stringify({ Question: prompt, note: 1, answer: completion })}\n`).join(
      '',
    ),
  )
  const all = (...lines: number[]) => [ROWS.map((row, nth) => [lines[nth], ...row]), []]
  expect(await read(path, 's.csv', ['Question', 'answer'])).toEqual(all(2, 3))
  expect(await read(path, 's.jsonl', ['Question', 'answer'])).toEqual(all(1, 2))
  expect(await read(path, 's.csv', ['question', 'answer'])).toEqual([
    [],
    ['s.csv:1: The columns are "id", "Question", "answer". Name two of them, as --columns question,answer does.'],
  ])
  expect(await read(path, 's.csv')).toEqual([
    [],
    [
      's.csv:1: The columns are "id", "Question", "answer". A sample has prompt and completion and nothing else: rename or remove columns, or name yours with --columns PROMPT,COMPLETION.',
    ],
  ])
  expect(await read(path, 's.jsonl', ['question', 'answer'])).toEqual([
    [],
    ['s.jsonl:1: "prompt" must be a string.', 's.jsonl:2: "prompt" must be a string.'],
  ])
})

test('CSV may be separated by semicolons or tabs, as spreadsheets write it, and its columns named in capitals', async () => {
  const { path, write } = await newFolder()
  const lines = (by: string) => ['Prompt ', 'COMPLETION'].join(by) + ROWS.map((row) => `\n${row.join(by)}`).join('')
  const all = [ROWS.map((row, nth) => [nth + 2, ...row]), []]
  await write('semicolons.csv', lines(';'))
  await write('tabs.csv', lines('\t'))
  expect(await read(path, 'semicolons.csv')).toEqual(all)
  expect(await read(path, 'tabs.csv')).toEqual(all)
})
