import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { appendFile, mkdir, readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { http } from 'viem'
import { deployContracts } from '#cli/backingServices.ts'
import { type DeploymentFile, writeDeployment } from '#cli/deployment.ts'
import type { Config } from '#config'
import { devAccount, startAnvil } from '#contracts/anvil.ts'
import { DEMO_SETTINGS, demoHolders } from '#contracts/settings.ts'
import { FUNDED_ACCOUNTS } from '#example/accounts.ts'
import { openDatabase } from '#schema/database.ts'
import { freePort, startPostgres } from '#schema/postgres.ts'
import { waitFor } from './serviceProcess.ts'

/** The servers that all hosts share. They are Debian's where they are installed, else the embedded ones; without a Redis the queue is in
 *  PostgreSQL. */
export interface Servers {
  databaseUrl: string
  redisUrl: string | undefined
  s3: NonNullable<Config['s3']> & { endpoint: string; folder: string }
  rpcUrl: string
  deployment: DeploymentFile
  deploymentFile: string
  operatorKey: string
  /** Which servers run, for the report. */
  description: string
  /** Kills PostgreSQL, waits, and starts it again. */
  crashDatabase(downMs: number): Promise<void>
  /** Empties the database: no table is left. */
  loseDatabase(): Promise<void>
  /** Kills Redis, waits, and starts an empty one. */
  crashRedis(downMs: number): Promise<void>
  /** Freezes Redis, or lets it go on. */
  freezeRedis(frozen: boolean): void
  stop(): Promise<void>
}

const BUCKET = 'modelcommons'
const S3_CREDENTIALS = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' } // those of s3rver
/** Genesis time and block interval are fixed, so that the same load makes the same blocks. */
const CHAIN = { genesisTimestamp: 1_760_000_000, blockInterval: 1, accounts: FUNDED_ACCOUNTS, balance: 1_000_000 }
const START_TIMEOUT_MS = 20_000

/** The environment of a service that reaches the servers at `urls`. */
export const serviceEnvironment = (
  { s3, deploymentFile, operatorKey }: Servers,
  urls: Readonly<Record<'database' | 'redis' | 's3' | 'rpc', string>>,
  home: string,
) => ({
  MODELCOMMONS_HOME: home,
  DATABASE_URL: urls.database,
  REDIS_URL: urls.redis,
  S3_ENDPOINT: urls.s3,
  RPC_URL: urls.rpc,
  S3_BUCKET: s3.bucket,
  S3_ACCESS_KEY_ID: s3.accessKeyId,
  S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
  DEPLOYMENT: deploymentFile,
  OPERATOR_KEY: operatorKey,
  JOURNAL_KEY: '4a'.repeat(32),
})

export async function startServers(folder: string, wanted: { redis: boolean }): Promise<Servers> {
  const stops: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const one of stops.reverse()) await one()
  }
  try {
    const programs = await debianPostgres()
    const postgres = await startPostgres(join(folder, 'postgres'), {
      programs,
      flags: { fsync: 'off', listen_addresses: '*' },
    })
    stops.push(() => postgres.stop())
    await admitNamespaces(join(folder, 'postgres', 'data'), postgres.url)
    const redis = wanted.redis ? await startRedis(join(folder, 'redis')) : undefined
    if (redis) stops.push(() => redis.stop())
    const s3 = await startS3(join(folder, 's3'))
    stops.push(() => s3.stop())
    const anvil = await startAnvil(CHAIN)
    stops.push(() => anvil.stop())
    const operator = devAccount(0)
    const deployment = await deployContracts(http(anvil.url), operator, demoHolders(operator.address), DEMO_SETTINGS)
    const deploymentFile = join(folder, 'deployment.json')
    await writeDeployment(deploymentFile, deployment)
    return {
      databaseUrl: postgres.url,
      redisUrl: redis?.url,
      s3: { endpoint: s3.endpoint, bucket: BUCKET, region: 'us-east-1', ...S3_CREDENTIALS, folder: s3.folder },
      rpcUrl: anvil.url,
      deployment,
      deploymentFile,
      operatorKey: `0x${Buffer.from(operator.getHdKey().privateKey as Uint8Array).toString('hex')}`,
      description: `${programs ? `PostgreSQL of ${programs}` : 'embedded PostgreSQL'}, ${redis ? 'Redis' : 'no Redis'}`,
      async crashDatabase(downMs) {
        const pidFile = join(folder, 'postgres', 'data', 'postmaster.pid')
        process.kill(Number((await readFile(pidFile, 'utf8')).split('\n')[0]), 'SIGKILL')
        await sleep(downMs)
        while (!(await postgres.revive())) await sleep(20)
      },
      async loseDatabase() {
        const db = await openDatabase(postgres.url, { max: 1 })
        await db.query('drop schema public cascade; create schema public; drop schema if exists bullmq cascade')
        await db.close()
      },
      async crashRedis(downMs) {
        await redis?.crash(downMs)
      },
      freezeRedis: (frozen) => redis?.freeze(frozen),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Lets hosts in network namespaces connect. */
async function admitNamespaces(data: string, url: string): Promise<void> {
  await appendFile(join(data, 'pg_hba.conf'), 'host all all 10.0.0.0/8 scram-sha-256\n')
  const db = await openDatabase(url, { max: 1 })
  await db.query('select pg_reload_conf()')
  await db.close()
}

/** The newest PostgreSQL of Debian's packages. */
async function debianPostgres(): Promise<string | undefined> {
  const versions = await readdir('/usr/lib/postgresql').catch(() => [])
  const [newest] = versions.sort((a, b) => Number(b) - Number(a))
  const programs = newest && join('/usr/lib/postgresql', newest, 'bin')
  return programs && existsSync(join(programs, 'postgres')) ? programs : undefined
}

async function startRedis(folder: string) {
  await mkdir(folder, { recursive: true })
  const port = await freePort()
  const start = async () => {
    const options = ['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction', '--dir', folder]
    const child = spawn('redis-server', ['--bind', '127.0.0.1', '--port', String(port), ...options], {
      stdio: 'ignore',
    })
    const failed = new Promise<boolean>((done) => child.once('error', () => done(true)))
    const listening = untilListening('Redis', port).then(
      () => false,
      () => true,
    )
    if (await Promise.race([failed, listening])) return undefined
    return child
  }
  let child = await start()
  if (!child) return undefined
  return {
    url: `redis://127.0.0.1:${port}`,
    async crash(downMs: number) {
      await killed(child)
      await sleep(downMs)
      child = await start()
    },
    freeze: (frozen: boolean) => void child?.kill(frozen ? 'SIGSTOP' : 'SIGCONT'),
    stop: () => killed(child),
  }
}

async function startS3(folder: string) {
  await mkdir(folder, { recursive: true })
  const port = await freePort()
  const require = createRequire(import.meta.url)
  const program = join(dirname(require.resolve('s3rver/package.json')), 'bin/s3rver.js')
  const address = ['--address', '127.0.0.1', '--port', String(port)]
  const child = spawn(
    process.execPath,
    [program, '--directory', folder, ...address, '--silent', '--configure-bucket', BUCKET],
    { stdio: 'ignore' },
  )
  await untilListening('The S3 server', port)
  return { endpoint: `http://127.0.0.1:${port}`, folder: join(folder, BUCKET), stop: () => killed(child) }
}

const untilListening = (what: string, port: number) =>
  waitFor(
    `${what} listens`,
    START_TIMEOUT_MS,
    () =>
      new Promise<boolean>((done) => {
        const socket = connect(port, '127.0.0.1')
        socket.once('connect', () => done(true)).once('error', () => done(false))
        socket.once('connect', () => socket.destroy())
      }),
  )

async function killed(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((done) => child.once('exit', done))
  child.kill('SIGKILL')
  await ended
}
