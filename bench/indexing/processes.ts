import { type ChildProcess, spawn } from 'node:child_process'

/** Programs of a benchmark, each in a process of its own, that tell by message what they have done. */

export interface BenchProcess {
  child: ChildProcess
  /** The next message for which `wanted` holds. @throws Error with the end of what the program said, when it ends before. */
  waitForMessage<T>(wanted?: (message: T) => boolean): Promise<T>
  stop(): Promise<void>
}

const KEPT_OUTPUT = 3_000

/** Starts a program; TypeScript by tsx, anything else by Node.js. */
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
  })
  let said = ''
  const hear = (chunk: Buffer) => {
    said = (said + chunk).slice(-KEPT_OUTPUT)
  }
  child.stdout!.on('data', hear)
  child.stderr!.on('data', hear)
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
        ended.then(() => fail(new Error(`${script} ended before it was done: ${said}`)))
      }),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await ended
    },
  }
}
