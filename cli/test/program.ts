import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { toHex } from 'viem'
import { devAccount } from '#contracts/anvil.ts'

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** The private key of the nth account of the development mnemonic. */
export const keyOf = (nth: number) => toHex(devAccount(nth).getHdKey().privateKey as Uint8Array)

/** Runs the program. `killAt`: when its progress has this text for the nth time, it gets the signal, SIGKILL if none is named; or a function that is told how to kill it.
 *  `input`: what is typed. */
export function modelcommons(
  args: string[],
  env: Record<string, string>,
  killAt?: [text: string, nth: number, signal?: NodeJS.Signals] | ((kill: () => void) => void),
  input = '',
): Promise<Ended> {
  const { PATH = '', HOME = '' } = process.env
  const root = join(import.meta.dirname, '../..')
  const child = spawn(process.execPath, ['bin/modelcommons.js', ...args], { cwd: root, env: { PATH, HOME, ...env } })
  let [stdout, stderr] = ['', '']
  let isKilled = false
  const kill = (signal: NodeJS.Signals = 'SIGKILL') => {
    if (!isKilled) child.kill(signal)
    isKilled = true
  }
  if (typeof killAt === 'function') killAt(kill)
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
    if (Array.isArray(killAt) && stderr.split(killAt[0]).length > killAt[1]) kill(killAt[2])
  })
  child.stdin.on('error', () => {}) // it was killed before it read
  child.stdin.end(input)
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })))
}
