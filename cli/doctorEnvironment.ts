import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Config, type ConfigFault, EnvironmentError, readConfig } from '#config'
import { runningPostgres } from '#schema/postgres.ts'
import type { DoctorCheck } from './chainChecks.ts'
import { embeddedChainFiles } from './configuredChain.ts'

/** The variables of each service, and the checks that would not look at it while one of them cannot be used. */
const SERVICES: readonly { variables: RegExp; checks: readonly string[] }[] = [
  { variables: /^(RPC_URL|DEPLOYMENT|OPERATOR_KEY)$/, checks: ['chain'] },
  { variables: /^DATABASE_(URL|PASSWORD)$/, checks: ['database'] },
  { variables: /^REDIS_/, checks: ['queue'] },
  { variables: /^S3_/, checks: ['artifacts', 'journal'] },
  { variables: /^JOURNAL_KEY$/, checks: ['journal'] },
  { variables: /^MODELCOMMONS_QUERIES/, checks: [] },
  { variables: /^(HOST|PORT)$/, checks: ['port'] },
  { variables: /^(GPU|CPU)_CONCURRENCY$/, checks: ['slots'] },
]

/** What `modelcommons doctor` can check although variables are wrong: their faults, and all that does not need them. */
export function readUsableConfig(env: NodeJS.ProcessEnv): {
  config: Config
  /** A check of each fault. */
  faults: DoctorCheck[]
  /** Whether a check does not need what is wrong. */
  applies(check: DoctorCheck): boolean
} {
  const options = { signs: false }
  let found: readonly ConfigFault[] = []
  let config: Config
  try {
    config = readConfig(env, options)
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error
    found = error.faults
    config = readConfig(withoutWrong(env, found), options)
  }
  const skipped = wrongServices(found).flatMap(({ checks }) => checks)
  return {
    config,
    faults: found.map(({ variables, problem }) => [
      'variable',
      () => Promise.reject(new Error(`${variables.join(', ')}: ${problem}`)),
    ]),
    applies: ([name]) => !skipped.includes(name),
  }
}

/** With the embedded database and chain of its home in the place of those that it does not name, while they run. `minesByItself`: the chain is embedded, and
 *  has blocks although nobody sends anything. */
export async function withRunningServers(config: Config): Promise<Config & { minesByItself: boolean }> {
  const { urlFile, deploymentFile } = embeddedChainFiles(config.home)
  const databaseUrl = config.databaseUrl ?? (await runningPostgres(join(config.home, 'postgres')))
  const url = config.rpcUrls ? '' : (await readFile(urlFile, 'utf8').catch(() => '')).trim()
  const chain = url ? { rpcUrl: url, rpcUrls: url, deployment: deploymentFile } : {}
  return { ...config, databaseUrl, ...chain, minesByItself: url !== '' }
}

const wrongServices = (faults: readonly ConfigFault[]) =>
  SERVICES.filter((service) => faults.some((fault) => fault.variables.some((name) => service.variables.test(name))))

/** Without the other variables of a service as well, because they would contradict its lack. */
function withoutWrong(env: NodeJS.ProcessEnv, faults: readonly ConfigFault[]): NodeJS.ProcessEnv {
  const wrong = faults.flatMap(({ variables }) => variables)
  const services = wrongServices(faults)
  const isUsable = (name: string) => !wrong.includes(name) && !services.some(({ variables }) => variables.test(name))
  return Object.fromEntries(Object.entries(env).filter(([name]) => isUsable(name)))
}
