import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import type { TaskJudgement } from '#client/index.ts'
import { ConfigError } from '#config'
import { linesOf } from '#model/sampleFile.ts'
import { listIssues } from '../explain.ts'

const CHOICES = { first: 0, second: 1, tie: 2 } as const
const percent = z.number().int().min(0).max(100)

const line = z
  .strictObject({
    task: z.union([z.number().int().positive(), z.string().regex(/^\d{1,78}$/)]).transform(BigInt),
    choice: z.enum(['first', 'second', 'tie']).transform((name) => CHOICES[name]),
    ethics: percent,
    logic: percent,
    functional: percent,
    confidence: percent,
  })
  .transform(({ task, ...said }): TaskJudgement => ({ taskId: task, ...said }))

/** Reads judgements, a JSON object a line. @throws ConfigError that names every line that is wrong, and why. */
export async function readJudgements(file: string): Promise<TaskJudgement[]> {
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new ConfigError(`${file} cannot be read (${cause.message}).`, { cause })
  })
  const problems: string[] = []
  const known = new Map<bigint, number>()
  const judgements = linesOf(text).flatMap(({ line: at, text: json }) => {
    const say = (message: string) => void problems.push(`${file}:${at}: ${message}`)
    let value: unknown
    try {
      value = JSON.parse(json)
    } catch (error) {
      say(`Not JSON (${(error as Error).message}).`)
      return []
    }
    const parsed = line.safeParse(value)
    if (!parsed.success) say(listIssues(parsed.error.issues))
    else if (known.has(parsed.data.taskId))
      say(`Task ${parsed.data.taskId} is judged in line ${known.get(parsed.data.taskId)} already.`)
    if (!parsed.success) return []
    known.set(parsed.data.taskId, at)
    return [parsed.data]
  })
  if (problems.length) throw new ConfigError(problems.join('\n'))
  return judgements
}
