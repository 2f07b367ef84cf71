import { RequestError } from '#engine/generate/request.ts'
import { SchemaError } from '#engine/grammar/keywords.ts'
import { GrammarSizeError } from '#engine/grammar/nfa.ts'
import { ModelConfigError } from '#engine/model/config.ts'
import { systemCode } from '#engine/tasks/systemCode.ts'
import { TaskError } from '#engine/tasks/task.ts'
import { TrainingError } from '#engine/train/trainer.ts'
import type { TaskFailure } from './protocol.ts'

const INPUT_ERRORS = [TaskError, RequestError, SchemaError, GrammarSizeError, ModelConfigError, TrainingError]

/** What the parent is told of an error. An error with a code of the operating system in its causes is no fault of the input. */
export function taskFailure(thrown: unknown): TaskFailure {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  const found = systemCode(error)
  const code = found === 'ENOENT' ? undefined : found // a model folder without its files is a fault of the input
  const fault = code === undefined && INPUT_ERRORS.some((type) => error instanceof type) ? 'input' : 'failed'
  return { name: error.name, message: error.message, stack: error.stack, fault, code }
}
