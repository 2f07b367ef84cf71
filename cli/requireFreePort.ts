import { createServer } from 'node:net'
import { type Config, ConfigError } from '#config'

/** Checks that the API can listen on its port, before anything is started.
 *  @throws ConfigError that names PORT or HOST. */
export async function requireFreePort({ host, port }: Pick<Config, 'host' | 'port'>): Promise<void> {
  const cause = await listenOnce(host, port)
  if (!cause) return
  throw new ConfigError(
    cause.code === 'EADDRINUSE'
      ? `PORT: another program already listens on ${host}:${port}. Stop it (it may be ModelCommons itself), or set PORT to another port (0 takes a free one).`
      : `HOST, PORT: cannot listen on ${host}:${port} (${cause.message}). Set them to an address of this machine.`,
  )
}

/** Checks the ports of all services of this host, but of the embedded servers only that they are not those of another.
 *  @throws ConfigError that names the variables. */
export async function requireFreePorts(config: Config) {
  await requireFreePort(config)
  const names = new Map<number, string>()
  for (const [name, port] of Object.entries({ PORT: config.port, ...config.statusPorts, ...embeddedPorts(config) })) {
    const other = port && names.get(port)
    if (other) throw new ConfigError(`${other}, ${name}: both are ${port}. Give each service a port of its own.`)
    if (port) names.set(port, name)
  }
  const { metricsHost: host } = config
  for (const [name, port] of Object.entries(config.statusPorts)) {
    const cause = port ? await listenOnce(host, port) : undefined
    if (cause) throw statusPortTaken(name, host, port as number, cause)
  }
}

/** Those of the servers that the configuration does not name. */
export const embeddedPorts = ({ embeddedPorts: { CHAIN_PORT, DATABASE_PORT }, rpcUrl, databaseUrl }: Config) => ({
  ...(!rpcUrl && { CHAIN_PORT }),
  ...(!databaseUrl && { DATABASE_PORT }),
})

/** Checks that an embedded server can listen on its port, once what an earlier start left there has ended.
 *  @throws ConfigError that names the variable. */
export async function requireFreeEmbeddedPort(name: keyof Config['embeddedPorts'], port: number): Promise<void> {
  const cause = port ? await listenOnce('127.0.0.1', port) : undefined
  if (!cause) return
  throw new ConfigError(
    cause.code === 'EADDRINUSE'
      ? `${name}: another program already listens on 127.0.0.1:${port}. Stop it (it may be ModelCommons with another MODELCOMMONS_HOME), or set ${name} to another port (0 takes a free one).`
      : `${name}: cannot listen on 127.0.0.1:${port} (${cause.message}). Set ${name} to another port, or use ${name === 'CHAIN_PORT' ? 'RPC_URL' : 'DATABASE_URL'} in place of the embedded server.`,
    { cause },
  )
}

export const statusPortTaken = (variable: string, host: string, port: number, cause: Error) =>
  new ConfigError(
    `${variable}, METRICS_HOST: cannot listen on ${host}:${port} (${cause.message}). Set ${variable} to a free port and METRICS_HOST to an address of this machine.`,
    { cause },
  )

/** @returns why nothing can listen there. */
const listenOnce = (host: string, port: number) =>
  new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    const server = createServer().once('error', resolve)
    server.listen(port, host, () => server.close(() => resolve(undefined)))
  })
