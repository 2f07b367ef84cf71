import { alignTask } from './align.ts'
import { embedTask } from './embed.ts'
import { evaluateTask } from './evaluate.ts'
import { explainAnswerTask } from './explainAnswer.ts'
import { fineTuneTask } from './fineTune.ts'
import { generateTask } from './generate.ts'
import { influenceTask } from './influence.ts'
import type { Task } from './task.ts'
import { warmUpTask } from './warmUp.ts'
import { winRateTask } from './winRate.ts'

/** Every task that the engine can run in its child process, by name. */
export const tasks = {
  fineTune: fineTuneTask,
  influence: influenceTask,
  align: alignTask,
  generate: generateTask,
  embed: embedTask,
  evaluate: evaluateTask,
  explainAnswer: explainAnswerTask,
  winRate: winRateTask,
  warmUp: warmUpTask,
}

export type Tasks = typeof tasks
export type TaskName = keyof Tasks
export type TaskInput<K extends TaskName> = Parameters<Tasks[K]>[0]
export type TaskResult<K extends TaskName> = Awaited<ReturnType<Tasks[K]>>

/** The task with this name. Its input is unchecked: the child process receives both from a parent that was type-checked. */
export const taskNamed = (name: TaskName) => tasks[name] as unknown as Task<unknown, unknown>
