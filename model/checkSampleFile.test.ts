import { expect, test } from 'vitest'
import { checkSampleFile } from './checkSampleFile.ts'
import { diskFolder } from './diskFolder.ts'
import { problemText } from './problems.ts'
import { newFolder } from './test/newFolder.ts'

const REQUIRED = { description: 'yes or no', completionPattern: 'yes|no', topic: ['tent'], maxPromptLength: 40 }
const line = (prompt: string, completion: string) => `${JSON.stringify({ prompt, completion })}\n`

const check = async (content: string, requirements = REQUIRED) => {
  const { path, write } = await newFolder()
  await write('s.jsonl', content)
  const { problems, ...found } = await checkSampleFile(diskFolder(path), 's.jsonl', { requirements })
  return { ...found, problems: problems.map(problemText) }
}

test('what the scorer would reject is told by line: form, requirements, personal data; a copy is left out', async () => {
  expect(
    await check(
      [
        line('Is the tent dry?', 'no'),
        line('Is the tent dry? ', 'no'),
        line('Is the tent dry? Tell jane.doe@acme-tools.io.', 'no'),
        line('Is the boat dry?', 'no'),
        line('Is the tent wet?', 'perhaps'),
        line('Is the tent wet?', ''),
      ].join(''),
    ),
  ).toEqual({
    samples: expect.arrayContaining([{ prompt: 'Is the tent dry?', completion: 'no' }]),
    copies: 1,
    problems: [
      's.jsonl:3: Holds personal data (e-mail address) in the prompt, line 1. Replace it by an invented value.',
      's.jsonl:3: The prompt has 45 characters; at most 40 are asked for.',
      's.jsonl:4: The prompt has none of the topic’s words. The specification says what the datanet collects.',
      's.jsonl:5: The completion is not of the form asked for, yes|no: yes or no',
      's.jsonl:6: "completion" is empty.',
    ],
  })
})

test('a specification of strangers whose pattern backtracks without end holds nobody', async () => {
  const content = Array.from({ length: 9 }, (_, nth) => line(`Is the tent dry, ${nth}?`, `${'a'.repeat(40)}!`)).join('')
  const started = performance.now()
  const { problems } = await check(content, { ...REQUIRED, completionPattern: '(a+)+' })
  expect(performance.now() - started).toBeLessThan(10_000)
  expect(problems).toEqual([
    expect.stringMatching(/^s.jsonl:1: The pattern takes too long .* It is that of the model’s/),
  ])
})

test('a file that is none, and a folder, are told', async () => {
  const { path } = await newFolder()
  const problemsOf = async (file: string) =>
    (await checkSampleFile(diskFolder(path), file, {})).problems.map(problemText)
  expect(await problemsOf('nowhere.csv')).toEqual([
    expect.stringMatching(/^nowhere.csv: is no file\. Name one of JSON/),
  ])
  expect(await problemsOf('rubric')).toEqual([expect.stringMatching(/^rubric: is no file\. Name one of JSON/)])
})
