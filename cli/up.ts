import { readConfig } from '#config'
import { openDatabase } from '#schema/database.ts'
import { redactCredentials } from '#schema/redact.ts'
import { untilAborted } from '#schema/untilAborted.ts'
import { mineEmptyBlocks } from './emptyBlocks.ts'
import { requireExampleChain } from './exampleChain.ts'
import { Interrupted, interruptible } from './interruption.ts'
import { openLog } from './log.ts'
import { type System, startSystem } from './system.ts'

/** `modelcommons up`: runs everything until Ctrl-C; on an empty embedded chain the example lifecycle runs in the background. With `example`, it runs
 *  on an empty development chain of RPC_URL, too. */
export const up = ({ example }: { example?: boolean }): Promise<void> =>
  interruptible(async (signal) => {
    const config = readConfig()
    if (example) await requireExampleChain(config)
    const quiet = { logLevel: process.env.LOG_LEVEL ? config.logLevel : ('warn' as const) }
    process.env.LOG_LEVEL ??= 'warn'
    const began = Date.now()
    const log = openLog('up', quiet)
    const system = await startSystem(config, log, signal)
    let stopMining = async () => {}
    try {
      console.log(`Page      ${system.url}/`)
      console.log(`GraphQL   ${system.url}/graphql`)
      console.log(`Chain     ${system.rpcUrl}`)
      console.log(`Database  ${redactCredentials(system.databaseUrl)}`)
      for (const line of operatorLines(system)) console.log(line)
      console.log(
        `Ready after ${((Date.now() - began) / 1000).toFixed(1)} s. Ctrl-C stops everything; the data stays in ${config.home}.`,
      )
      if (example ?? system.local) await untilAborted(runExample(system, signal), signal)
      // The example has a clock of its own, by which it makes the same blocks on any machine.
      if (system.local) stopMining = mineEmptyBlocks(system.rpcUrl, log)
      await untilAborted(new Promise<never>(() => {}), signal)
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error
      console.log('\nStopping…')
    } finally {
      await stopMining()
      await system.stop()
    }
    process.exit(0)
  })

/** Where an operator sees how the services are. */
function operatorLines({ url, statusUrls }: System): string[] {
  const lines = Object.entries(statusUrls).flatMap(([name, at]) =>
    at ? `Operator  ${at}/metrics, ${at}/ready  (${name})` : [],
  )
  return [
    `Health    ${url}/readyz`,
    ...(lines.length
      ? lines
      : ['Operator  set API_METRICS_PORT, INDEX_PORT and WORKER_PORT for /metrics and /ready of each service']),
  ]
}

/** What whoever wants another chain does. */
const ANEW =
  'For a new chain, stop, and move the folder of the data away (MODELCOMMONS_HOME, else .modelcommons): its accounts go with it.'

async function runExample(system: System, signal: AbortSignal): Promise<void> {
  if (!(await isEmpty(system.databaseUrl)))
    return console.log(`The chain is not empty: the example does not run again. ${ANEW}`)
  const { playExample } = await import('#example/story/index.ts')
  console.log('Running the example lifecycle; watch it on the page.')
  // What `doctor` shows of it is not worth the end of the system.
  const tell = (example: Parameters<System['tellExample']>[0]) =>
    system
      .tellExample(example)
      .catch((error: Error) => console.error(`Its state cannot be kept for doctor: ${error.message}`))
  await tell({ stopped: false, says: 'it plays: watch it on the page' })
  try {
    const report = await playExample({ url: system.url, rpcUrl: system.rpcUrl, seed: 1, signal })
    const { seconds, stages } = report
    const passed = stages.filter((stage) => stage.ok).length
    const ran = `ran in ${seconds} s: ${passed} of ${stages.length} stages passed`
    console.log(`The example ${ran}.`)
    await tell({ stopped: passed < stages.length, says: `it ${ran}` })
  } catch (error) {
    if (signal.aborted) return
    const { message } = error as Error
    console.error(`The example stopped: ${message}\n${ANEW}`)
    await tell({ stopped: true, says: message })
  }
}

async function isEmpty(url: string): Promise<boolean> {
  const db = await openDatabase(url)
  try {
    return Number((await db.query('select count(*) from model')).rows[0].count) === 0
  } finally {
    await db.close()
  }
}
