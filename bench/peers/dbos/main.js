import { DBOS } from '@dbos-inc/dbos-sdk'

/** Workflows of DBOS that do nothing: `main.js DATABASE_URL`. For each message {jobs, concurrency} it starts that many, each under an id of its own,
 *  waits for all results, and answers with the milliseconds. They start in this process, without a queue that polls: its fastest way. */
const nothing = DBOS.registerWorkflow(async () => ({}), { name: 'nothing' })
DBOS.setConfig({ name: 'bench', systemDatabaseUrl: process.argv[2], logLevel: 'error', runAdminServer: false })
await DBOS.launch()
let id = 0
process.on('message', async ({ jobs, concurrency }) => {
  const begun = performance.now()
  let left = jobs
  const one = async () => {
    while (left-- > 0) await (await DBOS.startWorkflow(nothing, { workflowID: `${process.pid}-${++id}` })()).getResult()
  }
  await Promise.all(Array.from({ length: concurrency }, one))
  process.send({ ms: performance.now() - begun })
})
process.send({ ready: true })
