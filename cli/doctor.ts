import { access, constants, mkdir, statfs } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'
import { type Config, readConfig } from '#config'
import { openDatabase } from '#schema/database.ts'
import { POSTGRES_PACKAGE } from '#schema/postgres.ts'
import { openQueues } from '#schema/queue.ts'
import { chainChecks, type DoctorCheck } from './chainChecks.ts'
import { openArtifacts } from './openArtifacts.ts'
import { requireFreePort } from './requireFreePort.ts'

/** `modelcommons doctor`: checks the machine and every configured service. Exits with 1 when something must be fixed. */
export async function doctor(): Promise<void> {
  const config = readConfig()
  const checks: DoctorCheck[] = [
    [
      'node',
      async () => `${process.version}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    ],
    ['home', () => homeIsWritable(config.home)],
    ['port', () => portIsFree(config)],
    ['engine', engineRuns],
    ['database', () => (config.databaseUrl ? databaseAnswers(config.databaseUrl) : embedded(POSTGRES_PACKAGE))],
    [
      'queue',
      async () => (config.redisUrl ? queueAnswers(config.databaseUrl ?? '', config.redisUrl) : 'in PostgreSQL'),
    ],
    ...(config.rpcUrls
      ? chainChecks(config.rpcUrls, config.deployment as string)
      : [['chain', () => embedded('@foundry-rs/anvil/package.json')] satisfies DoctorCheck]),
    [
      'index',
      () =>
        config.databaseUrl ? indexAgrees(config.databaseUrl) : Promise.resolve('not compared: DATABASE_URL is not set'),
    ],
    ['artifacts', () => artifactsAnswer(config)],
  ]
  let failures = 0
  for (const [name, run] of checks)
    await run().then(
      (found) => console.log(`✓ ${name.padEnd(10)} ${found}`),
      (error: Error) => {
        failures++
        console.log(`✗ ${name.padEnd(10)} ${error.message}`)
      },
    )
  console.log(failures ? `${failures} to fix.` : 'Everything is in order.')
  process.exitCode = failures ? 1 : 0
}

async function artifactsAnswer(config: Config): Promise<string> {
  await openArtifacts(config)
  return config.s3 ? `bucket ${config.s3.bucket}` : config.artifacts
}

const MIN_FREE_GIB = 2

async function homeIsWritable(home: string): Promise<string> {
  try {
    await mkdir(home, { recursive: true })
    await access(home, constants.W_OK)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new Error(`MODELCOMMONS_HOME: ${home} cannot be created or written (${code}). Name a folder of this user.`, {
      cause,
    })
  }
  const { bavail, bsize } = await statfs(home)
  const free = Math.floor((bavail * bsize) / 2 ** 30)
  if (free < MIN_FREE_GIB)
    throw new Error(`${home} has ${free} GiB free; make room for at least ${MIN_FREE_GIB}, or set MODELCOMMONS_HOME.`)
  return `${home}, ${free} GiB free`
}

async function portIsFree({ host, port }: Config): Promise<string> {
  await requireFreePort({ host, port })
  return port === 0 ? 'any free port' : `${host}:${port} is free`
}

async function engineRuns(): Promise<string> {
  const ort = await import('onnxruntime-node')
  return `ONNX Runtime with ${ort
    .listSupportedBackends()
    .map((backend) => backend.name)
    .join(', ')}`
}

async function databaseAnswers(url: string): Promise<string> {
  const db = await openDatabase(url)
  try {
    return String((await db.query('show server_version')).rows[0].server_version)
  } finally {
    await db.close()
  }
}

/** The result of the newest comparison with the contracts. */
async function indexAgrees(url: string): Promise<string> {
  const db = await openDatabase(url)
  try {
    const known = (await db.query(`select to_regclass('reconciliation') is not null as known`)).rows[0].known
    const { rows } = known
      ? await db.query(
          `select governor_id, block, compared, drift from (
             select *, row_number() over (partition by governor_id order by block desc, at desc) as place from reconciliation) r
           where place = 1 order by governor_id`,
        )
      : { rows: [] }
    if (!rows.length) return 'not compared with the contracts yet'
    const wrong = rows.find(({ drift }) => drift > 0)
    if (wrong)
      throw new Error(
        `${wrong.drift} of ${wrong.compared} values of ${wrong.governor_id} differ from the contracts’ at block ${wrong.block}: \`modelcommons reconcile\` lists them. Index again into an empty database.`,
      )
    return rows
      .map(({ compared, block }) => `agrees with the contracts in ${compared} values at block ${block}`)
      .join(', ')
  } finally {
    await db.close()
  }
}

async function queueAnswers(databaseUrl: string, redisUrl: string): Promise<string> {
  const queues = await openQueues({ databaseUrl, redisUrl })
  await queues.close()
  return 'Redis'
}

/** A server that `up` starts from a package of npm. */
async function embedded(name: string): Promise<string> {
  const { createRequire } = await import('node:module')
  try {
    createRequire(import.meta.url).resolve(name)
  } catch {
    throw new Error(`${name} is not installed: run npm install, or set DATABASE_URL and RPC_URL to your own servers.`)
  }
  return 'embedded: `modelcommons up` starts it'
}
