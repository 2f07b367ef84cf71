import { align } from './align.ts'
import { evaluate } from './evaluate.ts'
import { explainAnswer } from './explainAnswer.ts'
import { fineTune } from './fineTune.ts'
import { generate } from './generate.ts'
import { influence } from './influence.ts'
import type { Task } from './task.ts'

/** Everything the engine can be asked to do in a process of its own. */
export const tasks = { fineTune, influence, align, generate, evaluate, explainAnswer }

export type Tasks = typeof tasks
export type TaskName = keyof Tasks
export type TaskInput<K extends TaskName> = Parameters<Tasks[K]>[0]
export type TaskResult<K extends TaskName> = Awaited<ReturnType<Tasks[K]>>

/** The task of a name, its input unchecked: for the child process, whose messages come from the same table. */
export const taskNamed = (name: TaskName) => tasks[name] as unknown as Task<unknown, unknown>
