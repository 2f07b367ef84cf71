import type { ChildProcess } from 'node:child_process'
import { forkSource } from '#test/forkSource.ts'
import type { HostCommand, HostReport } from './indexerHost.ts'

/** Processes for indexers that may be killed: one in use, and one spare that has already started. */
export class HostPool {
  private current: Promise<Host>
  private spare: Promise<Host> | undefined

  constructor() {
    this.current = begin()
  }

  /** The process in use. */
  now(): Promise<Host> {
    return this.current
  }

  /** Kills it with SIGKILL; the spare process replaces it. */
  async kill() {
    const host = await this.current
    host.child.kill('SIGKILL')
    this.current = this.spare ?? begin()
    this.spare = begin()
    this.spare.catch(() => {})
  }

  async stop() {
    for (const host of [this.current, this.spare]) (await host?.catch(() => undefined))?.child.kill('SIGKILL')
  }
}

export class Host {
  private readonly waiting = new Map<number, (report: Extract<HostReport, { say: 'ended' }>) => void>()

  constructor(readonly child: ChildProcess) {
    child.on('message', (report: HostReport) => {
      if (report.say !== 'ended') return
      this.waiting.get(report.run)?.(report)
      this.waiting.delete(report.run)
    })
    child.on('exit', () => {
      for (const [run, resolve] of this.waiting) resolve({ say: 'ended', run, error: 'killed', failures: 0 })
      this.waiting.clear()
    })
  }

  /** Starts a run; resolves with the report at its end. */
  begin(command: Extract<HostCommand, { do: 'begin' }>) {
    const ended = new Promise<Extract<HostReport, { say: 'ended' }>>((resolve) =>
      this.waiting.set(command.run, resolve),
    )
    this.send(command)
    return ended
  }

  send(command: HostCommand) {
    if (this.child.connected) this.child.send(command)
  }
}

function begin(): Promise<Host> {
  const child = forkSource('test/simulator/indexerHost.ts', [], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  return new Promise((ready, failed) => {
    const host = new Host(child)
    child.once('message', () => ready(host))
    child.once('exit', (code) => failed(new Error(`The indexer's process ended with ${code} before it began`)))
  })
}
