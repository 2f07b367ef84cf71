import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { diskFolder } from './diskFolder.ts'
import { Problems, problemText } from './problems.ts'
import { readSampleFile } from './sampleFile.ts'
import { newFolder } from './test/newFolder.ts'

const read = async (folder: string, file: string) => {
  const problems = new Problems()
  const samples = await readSampleFile(diskFolder(folder), file, problems)
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
    ['s.csv:2: Unknown field "answer". Send only "prompt" and "completion".'],
  ])
  expect(await read(path, 'broken.csv')).toEqual([[], [expect.stringMatching(/^broken.csv:\d+: is not CSV: /)]])
  expect(await read(path, 's.parquet')).toEqual([
    [],
    [expect.stringMatching(/^s.parquet: is not Parquet that can be read: /)],
  ])
  expect(await read(path, 'none.jsonl')).toEqual([[], ['none.jsonl: is empty.']])
  expect(await read(path, 'missing.parquet')).toEqual([[], ['missing.parquet: is missing.']])
})
