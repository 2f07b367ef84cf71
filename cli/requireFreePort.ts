import { createServer } from 'node:net'
import { type Config, ConfigError } from '#config'

/** Checks that the API can listen on its port, before anything is started.
 *  @throws ConfigError that names PORT or HOST. */
export function requireFreePort({ host, port }: Pick<Config, 'host' | 'port'>): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE'
          ? `PORT: another program already listens on ${host}:${port}. Stop it (it may be ModelCommons itself), or set PORT to another port (0 takes a free one).`
          : `HOST, PORT: cannot listen on ${host}:${port} (${cause.message}). Set them to an address of this machine.`
      reject(new ConfigError(why))
    })
    server.listen(port, host, () => server.close(() => resolve()))
  })
}
