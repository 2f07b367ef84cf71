import { DBOS } from '@dbos-inc/dbos-sdk'
import pg from 'pg'

/** Workflows of DBOS: `main.js DATABASE_URL CONCURRENCY CONNECTIONS`. One does nothing; the other has a step that stores a row, made idempotent by its key. For
 *  each message {jobs, queued, storesRow} it starts that many, each under an id of its own, and answers with the milliseconds until all results
 *  are stored. Without `queued` they start in the process that accepts them, and each of the clients waits for the result before its next request. With it
 *  they go through its queue, as they must when another process is to run them; the queue polls, here every 5 ms instead of every second. */
const [, , url, concurrency, connections] = process.argv
const rows = new pg.Pool({ connectionString: url, max: Number(connections) })
const insert = { name: 'insert', text: 'insert into effect values ($1, $2) on conflict do nothing' }
let finished = 0
const nothing = DBOS.registerWorkflow(
  async () => {
    finished++
    return {}
  },
  { name: 'nothing' },
)
const store = DBOS.registerWorkflow(
  async () => {
    const id = DBOS.workflowID
    await DBOS.runStep(async () => void (await rows.query({ ...insert, values: [id, 0.5] })), { name: 'insert' })
    finished++
    return {}
  },
  { name: 'store' },
)
DBOS.setConfig({
  name: 'bench',
  systemDatabaseUrl: url,
  systemDatabasePoolSize: Number(connections),
  logLevel: 'error',
  runAdminServer: false,
})
await DBOS.launch()
await DBOS.registerQueue('bench', { workerConcurrency: Number(concurrency), minPollingIntervalMs: 5 })
const watch = new pg.Client({ connectionString: url })
await watch.connect()
await watch.query('create table if not exists effect (id text primary key, value float8)')
let batch = 0
process.on('message', async ({ jobs, queued, storesRow }) => {
  const prefix = `${process.pid}-${++batch}-`
  finished = 0
  let asked = 0
  const client = async () => {
    while (asked < jobs) {
      const options = { workflowID: `${prefix}${++asked}`, ...(queued && { queueName: 'bench' }) }
      const handle = await DBOS.startWorkflow(storesRow ? store : nothing, options)()
      if (!queued) await handle.getResult()
    }
  }
  const begun = performance.now()
  await Promise.all(Array.from({ length: Number(concurrency) }, client))
  while (finished < jobs) await new Promise((resolve) => setTimeout(resolve, 1))
  // One query for all results costs DBOS less than its handles, which ask one by one.
  const running = `select 1 from dbos.workflow_status where workflow_uuid like '${prefix}%' and status <> 'SUCCESS' limit 1`
  while (queued && (await watch.query(running)).rowCount) await new Promise((resolve) => setTimeout(resolve, 2))
  process.send({ ms: performance.now() - begun })
})
process.send({ ready: true })
