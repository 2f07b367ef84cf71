import { DBOS } from '@dbos-inc/dbos-sdk'

/** Workflows of DBOS that do nothing: `main.js DATABASE_URL`. For each message {jobs, concurrency, queued} it starts that many, each under an id of its own,
 *  waits for all results, and answers with the milliseconds. Without `queued` they start in the process that accepts them: its fastest way. With it they go
 *  through its queue, as they must when another process is to run them; the queue polls, here every 10 ms instead of every second. */
const nothing = DBOS.registerWorkflow(async () => ({}), { name: 'nothing' })
DBOS.setConfig({ name: 'bench', systemDatabaseUrl: process.argv[2], logLevel: 'error', runAdminServer: false })
await DBOS.launch()
await DBOS.registerQueue('bench', { workerConcurrency: 50, minPollingIntervalMs: 10 })
let id = 0
process.on('message', async ({ jobs, concurrency, queued }) => {
  const begun = performance.now()
  let left = jobs
  const handles = []
  const one = async () => {
    while (left-- > 0) {
      const options = { workflowID: `${process.pid}-${++id}`, ...(queued && { queueName: 'bench' }) }
      const handle = await DBOS.startWorkflow(nothing, options)()
      if (queued) handles.push(handle)
      else await handle.getResult()
    }
  }
  await Promise.all(Array.from({ length: concurrency }, one))
  await Promise.all(handles.map((handle) => handle.getResult({ pollingIntervalMs: 20 })))
  process.send({ ms: performance.now() - begun })
})
process.send({ ready: true })
