import { createServer } from 'node:net'
import { type Config, ConfigError } from '#config'

/** Makes sure that the API can listen where it is told to, before anything is started for it.
 *  @throws ConfigError naming PORT or HOST. */
export function requireFreePort({ host, port }: Pick<Config, 'host' | 'port'>): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE'
          ? `PORT: something listens on ${host}:${port} already. Stop it (it may be ModelCommons itself), or set PORT to another port (0 takes a free one).`
          : `HOST, PORT: cannot listen on ${host}:${port} (${cause.message}). Set them to an address of this machine.`
      reject(new ConfigError(why))
    })
    server.listen(port, host, () => server.close(() => resolve()))
  })
}
