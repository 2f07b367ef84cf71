import { createInterface } from 'node:readline/promises'
import {
  type Client,
  type JudgedTasks,
  type JudgingTask,
  judgeTasks,
  judgingDuties,
  readComparison,
  type TaskJudgement,
} from '#client/index.ts'
import { ConfigError } from '#config'
import { chainTime, withDistances } from './chainTime.ts'
import { judgementDrafts } from './judgementDrafts.ts'
import { readJudgements } from './readJudgements.ts'
import { type JsonOption, tellNote } from './tell.ts'

/** Commits to the judgements of a file, and reveals what is due. */
export const judgeFromFile = async (client: Client, file: string, options: JsonOption) =>
  tellSkipped(client, await judgeTasks(client, await readJudgements(file)), options)

/** A command that could not do all ends with 1. */
async function tellSkipped(client: Client, done: JudgedTasks, options: JsonOption): Promise<JudgedTasks> {
  if (done.skipped.length === 0) return done
  const now = await chainTime(client)
  for (const { task, why } of done.skipped) tellNote(withDistances(`Task ${task}: ${why}`, now), options)
  process.exitCode = 1
  return done
}

/** The comparisons that the account may judge, with their texts. */
export async function listForJudge(client: Client, options: JsonOption) {
  const { toJudge, undrawn } = await judgingDuties(client)
  for (const roundId of undrawn)
    tellNote(`The seats of round ${roundId} are not drawn: \`modelcommons judge draw ${roundId}\` draws them.`, options)
  return Promise.all(
    toJudge.map(async ({ taskId, domain, commitUntil, itemHash }) => ({
      ...{ task: taskId, domain, commitUntil: commitUntil.toISOString() },
      ...(await readComparison(client, itemHash)),
    })),
  )
}

/** Shows comparison after comparison in the terminal. What is answered is kept at once: whoever is interrupted goes on. */
export async function judgeAtDesk(client: Client, options: JsonOption) {
  const drafts = judgementDrafts(client)
  const before = await judgeTasks(client, []) // reveals are due whatever is judged today
  const { toJudge } = await judgingDuties(client)
  const desk = openDesk()
  const judged: TaskJudgement[] = []
  try {
    for (const [index, task] of toJudge.entries()) {
      const known = await drafts.read(task.taskId)
      const said =
        known ??
        (await desk.ask(task, await readComparison(client, task.itemHash), `${index + 1} of ${toJudge.length}`))
      if (said === 'finish') break
      if (said === 'skip') continue
      if (!known) await drafts.write(said)
      judged.push(said)
    }
  } finally {
    desk.close()
  }
  const done = await judgeTasks(client, judged)
  for (const { taskId } of judged) await drafts.remove(taskId)
  return tellSkipped(client, { ...done, revealed: [...before.revealed, ...done.revealed] }, options)
}

interface Compared {
  prompt: string
  answers: [string, string]
}

function openDesk() {
  const { stdin, stderr } = process
  const terminal = createInterface({ input: stdin, output: stderr })
  const lines = terminal[Symbol.asyncIterator]()
  const line = async (question: string): Promise<string> => {
    stderr.write(question)
    const { value, done } = await lines.next()
    if (done) throw new ConfigError('The input ended. Run `modelcommons judge` again: what you answered is kept.')
    return String(value).trim()
  }
  const number = async (question: string, least: number, usual: number): Promise<number> => {
    for (;;) {
      const said = await line(`${question} (${least} to 100) [${usual}]: `)
      const value = said === '' ? usual : Number(said)
      if (Number.isInteger(value) && value >= least && value <= 100) return value
      stderr.write(`A whole number from ${least} to 100.\n`)
    }
  }
  const choice = async (): Promise<0 | 1 | 2 | 'skip' | 'finish'> => {
    for (;;) {
      const said = CHOICES[await line('Better: 1, 2, t (tie), s (skip), q (finish): ')]
      if (said !== undefined) return said
    }
  }
  return {
    close: () => terminal.close(),
    async ask(
      { taskId, domain }: JudgingTask,
      { prompt, answers }: Compared,
      place: string,
    ): Promise<TaskJudgement | 'skip' | 'finish'> {
      stderr.write(`\nTask ${taskId} (${domain}), ${place}\n\n${prompt}\n\n1: ${answers[0]}\n2: ${answers[1]}\n\n`)
      const said = await choice()
      if (said === 'skip' || said === 'finish') return said
      return {
        ...{ taskId, choice: said },
        ethics: await number('Ethics of the preferred answer', 0, 50),
        logic: await number('Its logic', 0, 50),
        functional: await number('How well it works', 0, 50),
        confidence: await number('How sure you are, in percent', 0, 75),
      }
    },
  }
}

const CHOICES: Readonly<Record<string, 0 | 1 | 2 | 'skip' | 'finish'>> = { 1: 0, 2: 1, t: 2, s: 'skip', q: 'finish' }
