import { readConfig } from '#config'
import { openDatabase } from '#schema/database.ts'
import { redactCredentials } from '#schema/redact.ts'
import { openLog } from './log.ts'
import { openArtifacts } from './openArtifacts.ts'
import { startSystem } from './system.ts'

/** `modelcommons up`: runs everything until Ctrl-C; on an empty embedded chain the example lifecycle runs in the background. */
export async function up({ example }: { example: boolean }): Promise<void> {
  const config = readConfig()
  const quiet = { logLevel: process.env.LOG_LEVEL ? config.logLevel : ('warn' as const) }
  process.env.LOG_LEVEL ??= 'warn'
  const log = openLog('up', quiet)
  const began = Date.now()
  let interrupted = false
  const exampleRun = new AbortController()
  const system = await startSystem(config, log)
  const stop = async () => {
    if (interrupted) return process.exit(130)
    interrupted = true
    console.log('\nStopping…')
    exampleRun.abort()
    await system.stop()
    process.exit(0)
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)

  console.log(`Page      ${system.url}/`)
  console.log(`GraphQL   ${system.url}/graphql`)
  console.log(`Chain     ${system.rpcUrl}`)
  console.log(`Database  ${redactCredentials(system.databaseUrl)}`)
  console.log(
    `Ready after ${((Date.now() - began) / 1000).toFixed(1)} s. Ctrl-C stops everything; the data stays in ${config.home}.`,
  )
  if (!example || !system.local) return
  if (!(await isEmpty(system.databaseUrl)))
    return console.log('The chain is not empty: the example does not run again.')
  const { playExample } = await import('#example/story/index.ts')
  console.log('Running the example lifecycle; watch it on the page.')
  try {
    const report = await playExample({
      url: system.url,
      rpcUrl: system.rpcUrl,
      deployment: system.deployment,
      store: await openArtifacts(config),
      seed: 1,
      signal: exampleRun.signal,
    })
    console.log(
      `The example ran in ${report.seconds} s: ${report.stages.filter((stage) => stage.ok).length} of ${report.stages.length} stages passed.`,
    )
  } catch (error) {
    if (!exampleRun.signal.aborted) console.error(`The example stopped: ${(error as Error).message}`)
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
