import { taskNamed } from '#engine/tasks/index.ts'
import { type EngineReply, type EngineRequest, HEARTBEAT_MS } from './protocol.ts'
import { taskFailure } from './taskFailure.ts'

/** The engine's child process: runs the tasks that its parent sends, and exits when the parent exits. */

const send = (reply: EngineReply) => {
  if (process.connected) process.send?.(reply)
}

const running = new Map<number, AbortController>()

async function run({ id, task, input }: Extract<EngineRequest, { type: 'run' }>): Promise<void> {
  const abort = new AbortController()
  running.set(id, abort)
  try {
    const result = await taskNamed(task)(input, {
      emit: (event) => send({ type: 'event', id, event }),
      signal: abort.signal,
    })
    send({ type: 'done', id, result })
  } catch (thrown) {
    send({ type: 'failed', id, error: taskFailure(thrown) })
  } finally {
    running.delete(id)
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
setInterval(() => send({ type: 'heartbeat', rss: process.memoryUsage.rss() }), HEARTBEAT_MS)
