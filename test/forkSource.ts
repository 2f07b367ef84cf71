import { type ChildProcess, type ForkOptions, fork } from 'node:child_process'
import { join } from 'node:path'

/** Runs a module of the sources, as `forkSource('test/systemChild.ts')`, as a process of its own, with a channel for messages. */
export const forkSource = (entry: string, args: readonly string[] = [], options: ForkOptions = {}): ChildProcess =>
  fork(join(import.meta.dirname, '../bin/run.js'), [entry, ...args], { execArgv: [], ...options })
