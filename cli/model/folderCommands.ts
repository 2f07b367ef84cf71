import { z } from 'zod'
import type { ModelFolder } from '#model/checkFiles.ts'
import { checkFolder } from '#model/checkFolder.ts'
import { formatFields } from '#model/fields.ts'
import { type InitOptions, initFolder } from '#model/initFolder.ts'
import { problemText, warningText } from '#model/problems.ts'
import { FILES } from '#model/readFolder.ts'
import { PermanentError } from '#schema/errors.ts'
import type { JsonOption } from '../acts/tell.ts'
import { FORMATS } from './formatTables.ts'

export async function initModel(folder: string, options: InitOptions & JsonOption): Promise<void> {
  const report = await initFolder(folder, options)
  if (options.json) return console.log(JSON.stringify(report))
  const { items, validation, seedData, left } = report
  console.log(`${folder}: ${items} items of the rubric, ${validation} of validation, ${seedData} samples of seed data.`)
  if (left) console.log(`${left} samples are copies, or too like an item, and were left out.`)
  console.log(
    `Read and complete ${folder}/${FILES.model} and ${folder}/${FILES.card}, then: modelcommons model check ${folder}`,
  )
}

export async function checkModel(folder: string, { json }: JsonOption): Promise<void> {
  const { problems, warnings } = await checkFolder(folder)
  const right = problems.length === 0
  if (!right) process.exitCode = 1
  if (json) return console.log(JSON.stringify({ problems, warnings }))
  for (const problem of problems) console.error(problemText(problem))
  for (const warning of warnings) console.error(warningText(warning))
  if (right) console.log(`${folder} has no mistake. Next: modelcommons model propose ${folder} --dry-run`)
  else console.error(problems.length === 1 ? '1 mistake.' : `${problems.length} mistakes.`)
}

/** The folder, when it has no mistake; with `formOnly`, when its files can be read. @throws PermanentError that tells all mistakes. */
export async function requireFolder(path: string, { formOnly = false } = {}): Promise<ModelFolder> {
  const { problems, folder } = await checkFolder(path)
  if (folder && (formOnly || problems.length === 0)) return folder
  throw new PermanentError(
    `${problems.map(problemText).join('\n')}\nCorrect ${path} first: modelcommons model check ${path}`,
  )
}

export function describeFormat({ json }: JsonOption): void {
  if (json) {
    const schemas = Object.entries(FORMATS).map(([file, shape]) => [file, z.toJSONSchema(shape, { io: 'input' })])
    console.log(JSON.stringify(Object.fromEntries(schemas), undefined, 2))
    return
  }
  for (const [file, shape] of Object.entries(FORMATS)) {
    console.log(file)
    for (const { path, description, required } of formatFields(shape))
      console.log(`  ${path}${required ? '' : ' (optional)'}${description ? `: ${description}` : ''}`)
  }
}
