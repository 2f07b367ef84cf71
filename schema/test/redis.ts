import { execFileSync, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { freePort } from '../postgres.ts'

export interface TestRedis {
  url: string
  stop(): Promise<void>
}

/** The reason why no Redis is available; undefined when one is. */
export function redisIsMissing(): string | undefined {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'no redis-server on PATH'
  }
}

/** A real Redis of our own, in memory, on a free port. */
export async function startRedis(): Promise<TestRedis> {
  const port = await freePort()
  const flags = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--loglevel', 'warning']
  const server = spawn('redis-server', [...flags.map(String), '--maxmemory-policy', 'noeviction'], { stdio: 'ignore' })
  const url = `redis://127.0.0.1:${port}`
  const probe = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null })
  probe.on('error', () => {})
  await Promise.race([probe.ping(), sleep(5000, undefined, { ref: false })])
  probe.disconnect()
  return {
    url,
    async stop() {
      if (server.exitCode !== null || server.signalCode !== null) return
      const gone = new Promise((resolve) => server.once('exit', resolve))
      server.kill('SIGKILL')
      await gone
    },
  }
}
