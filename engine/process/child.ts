import { type TaskResult, taskNamed } from '#engine/tasks/index.ts'
import { batchCounts, loadedBases } from '#engine/tasks/models.ts'
import type { EngineEvent } from '#engine/tasks/task.ts'
import { NO_COUNTS } from './figures.ts'
import { type EngineReply, type EngineRequest, HEARTBEAT_MS } from './protocol.ts'
import { taskFailure } from './taskFailure.ts'

/** The engine's child process: runs the tasks that its parent sends, and exits when the parent exits. */

const send = (reply: EngineReply) => {
  if (process.connected) process.send?.(reply)
}

const running = new Map<number, AbortController>()
const counts = { ...NO_COUNTS }

const sendFigures = () =>
  send({
    type: 'heartbeat',
    figures: { ...counts, ...batchCounts(), memoryBytes: process.memoryUsage.rss(), models: loadedBases() },
  })

/** Counts the steps of one task: a step emits several metrics, and a task that goes on from a checkpoint starts at a later one. */
function stepCounter(): (event: EngineEvent) => void {
  let last: number | undefined
  return (event) => {
    if (event.type !== 'metric' || event.step === last) return
    last = event.step
    counts.steps++
  }
}

async function run({ id, task, input }: Extract<EngineRequest, { type: 'run' }>): Promise<void> {
  const abort = new AbortController()
  running.set(id, abort)
  try {
    const count = stepCounter()
    const result = await taskNamed(task)(input, {
      emit(event) {
        count(event)
        send({ type: 'event', id, event })
      },
      signal: abort.signal,
    })
    if (task === 'generate')
      for (const { tokensIn, tokensOut, cachedTokens } of (result as TaskResult<'generate'>).answers) {
        counts.tokens += tokensOut
        counts.promptTokens += tokensIn - cachedTokens
        counts.cachedTokens += cachedTokens
      }
    send({ type: 'done', id, result })
  } catch (thrown) {
    send({ type: 'failed', id, error: taskFailure(thrown) })
  } finally {
    running.delete(id)
    sendFigures()
  }
}

process.on('message', (request: EngineRequest) => {
  if (request.type === 'run') void run(request)
  else running.get(request.id)?.abort()
})
process.on('disconnect', () => process.exit(0))
// Only the parent ends this process; a Ctrl-C in the terminal is sent to the whole process group.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
setInterval(sendFigures, HEARTBEAT_MS)
