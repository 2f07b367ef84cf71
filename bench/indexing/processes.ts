import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'

/** Child processes of a benchmark, which report by messages. */

export interface BenchProcess {
  child: ChildProcess
  /** The next message for which `wanted` is true. @throws Error with the last output when the process ends before. */
  waitForMessage<T>(wanted?: (message: T) => boolean): Promise<T>
  stop(): Promise<void>
}

const KEPT_OUTPUT = 3_000

/** Starts a script with Node.js; TypeScript with tsx. */
export function startProcess(
  script: string,
  argument: object,
  options: { cwd?: string; args?: string[]; env?: object; flags?: readonly string[] } = {},
): BenchProcess {
  const loader = script.endsWith('.ts') ? ['--import', 'tsx'] : []
  const args = [...(options.flags ?? []), ...loader, script, ...(options.args ?? [JSON.stringify(argument)])]
  const child = spawn(process.execPath, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  }) as ChildProcessByStdio<null, Readable, Readable>
  let output = ''
  const keep = (chunk: Buffer) => {
    output = (output + chunk).slice(-KEPT_OUTPUT)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const ended = new Promise<void>((done) => child.once('exit', () => done()))
  return {
    child,
    waitForMessage: <T>(wanted: (message: T) => boolean = () => true) =>
      new Promise<T>((done, fail) => {
        const listen = (message: unknown) => {
          if (!wanted(message as T)) return
          child.off('message', listen)
          done(message as T)
        }
        child.on('message', listen)
        ended.then(() => fail(new Error(`${script} ended too early: ${output}`)))
      }),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await ended
    },
  }
}

/** In a child process: the argument that `startProcess` gave it. */
export function processArgument<T>(): T {
  const [, , json] = process.argv
  if (json === undefined) throw new Error('This program is started by a benchmark, with one argument in JSON.')
  return JSON.parse(json) as T
}

/** In a child process: sends a message to the benchmark. */
export function report(message: object): void {
  if (!process.send) throw new Error('This program is started by a benchmark, with a channel for messages.')
  process.send(message)
}
