import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type HDAccount, mnemonicToAccount } from 'viem/accounts'
import { dumpFileOf, takeDump, takeDumps } from './chainState.ts'

/** The mnemonic of anvil's well-known development accounts. Never use it for real money. */
export const DEV_MNEMONIC = 'test test test test test test test test test test test junk'

const accounts = new Map<number, HDAccount>()

/** The nth account of the development mnemonic. It is derived once: that takes some tens of milliseconds. */
export function devAccount(addressIndex: number): HDAccount {
  const account = accounts.get(addressIndex) ?? mnemonicToAccount(DEV_MNEMONIC, { addressIndex })
  accounts.set(addressIndex, account)
  return account
}

const START_TIMEOUT_MS = 15_000
const STOP_TIMEOUT_MS = 10_000
/** Number of states kept in memory. Without it, reorganisations deeper than about ten blocks lose contract code. */
const KEPT_STATES = '5000'

export type AnvilOptions = {
  /** Default: a free port. */
  port?: number
  /** Default: 31337. */
  chainId?: number
  /** Unix seconds of the genesis block. With this and `blockInterval`, equal transactions give equal block hashes. */
  genesisTimestamp?: number
  /** Seconds between the timestamps of a block and its parent, independent of the wall clock. */
  blockInterval?: number
  /** The file of the chain's state: loaded at the start if it exists, replaced every few seconds and at the end. A kill cannot cut it. */
  stateFile?: string
  /** The file of the process id, by which the next start ends a server that a crash left running. */
  pidFile?: string
  mnemonic?: string
  accounts?: number
  /** Native tokens of each account, in whole units. */
  balance?: number
  gasLimit?: bigint
}

export type Anvil = {
  url: string
  wsUrl: string
  port: number
  pid: number
  chainId: number
  mnemonic: string
  /** Resolves when the process has ended, for whatever reason. */
  exited: Promise<void>
  /** Ends the process; it writes its state file first. Safe to call twice. */
  stop(): Promise<void>
}

/** Starts a local chain as a child process and waits until it answers.
 *  @throws Error with the port and anvil's message when anvil ends before that. */
export async function startAnvil(options: AnvilOptions = {}): Promise<Anvil> {
  if (options.pidFile) await stopStaleAnvil(options.pidFile)
  if (options.stateFile) await takeDump(options.stateFile)
  const port = await claimPort(options.port ?? 0)
  const { chainId = 31_337, mnemonic = DEV_MNEMONIC } = options
  const child = spawn(anvilBinary(), anvilArguments(options, port, chainId, mnemonic), {
    stdio: ['ignore', 'ignore', 'pipe'],
    // A chain with a pid file has a process group of its own, so that Ctrl-C on the terminal reaches only its parent, which stops it last.
    detached: options.pidFile !== undefined,
  })
  const { pid } = child
  if (options.pidFile && pid !== undefined) writePidFile(options.pidFile, pid) // before it answers: its parent may be killed meanwhile
  let said = ''
  child.stderr.on('data', (chunk) => {
    said = (said + chunk).slice(-2_000)
  })
  const ended = new Promise<void>((done) => {
    child.once('error', (error) => {
      said += String(error)
      done()
    })
    child.once('exit', () => done())
  })
  const endTaking = options.stateFile ? takeDumps(options.stateFile) : async () => {}
  const exited = ended.then(endTaking)
  const url = `http://127.0.0.1:${port}`
  try {
    await untilReady(url, child, () => `anvil did not start on port ${port}: ${said.trim() || 'no message'}`)
    await completeLoaded(url, options.blockInterval)
  } catch (error) {
    child.kill('SIGKILL')
    await exited
    if (options.pidFile) rmSync(options.pidFile, { force: true })
    throw error
  }
  if (pid === undefined) throw new Error(`anvil on port ${port} has no process id`)
  const stop = async () => {
    await end(pid, exited, () => child.exitCode !== null || child.signalCode !== null)
    await exited
    if (options.stateFile) await takeDump(options.stateFile)
    if (options.pidFile) rmSync(options.pidFile, { force: true })
  }
  return { url, wsUrl: url.replace('http', 'ws'), port, pid, chainId, mnemonic, exited, stop }
}

/** Ends the anvil of a pid file if it still runs, because its parent crashed; it writes its state file first. A process of another
 *  program that has the same id in the meantime is not touched. @returns whether one was ended. */
export async function stopStaleAnvil(pidFile: string): Promise<boolean> {
  if (!existsSync(pidFile)) return false
  const pid = Number(readFileSync(pidFile, 'utf8').trim())
  const runs = Number.isInteger(pid) && pid > 1 && isAnvil(pid)
  if (runs) {
    const gone = async () => {
      while (isAnvil(pid)) await sleep(20)
    }
    await end(pid, gone(), () => !isAnvil(pid))
  }
  rmSync(pidFile) // after its end: this process may be killed meanwhile
  return runs
}

/** Mines one block whose timestamp is that many seconds after the last one's. (`evm_increaseTime` does nothing on a chain
 *  with a `blockInterval`.) @returns the new block's timestamp, unix seconds */
export async function passTime(url: string, seconds: number): Promise<number> {
  const block = (await rpc(url, 'eth_getBlockByNumber', ['latest', false])) as { timestamp: string }
  const time = Number(block.timestamp) + seconds
  await rpc(url, 'evm_setNextBlockTimestamp', [time])
  await rpc(url, 'evm_mine')
  return time
}

/** One JSON-RPC call. @throws Error with the method and the server's message. */
export async function rpc(url: string, method: string, params: unknown[] = []): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  const body = (await response.json()) as { result?: unknown; error?: { message: string } }
  if (body.error) throw new Error(`${method}: ${body.error.message}`)
  return body.result
}

function anvilArguments(options: AnvilOptions, port: number, chainId: number, mnemonic: string): string[] {
  const args = ['--host', '127.0.0.1', '--port', String(port), '--chain-id', String(chainId), '--mnemonic', mnemonic]
  args.push('--quiet', '--order', 'fifo', '--slots-in-an-epoch', '1', '--prune-history', KEPT_STATES)
  args.push('--hardfork', 'prague', '--no-request-size-limit')
  args.push('--gas-limit', String(options.gasLimit ?? 60_000_000n))
  if (options.accounts !== undefined) args.push('--accounts', String(options.accounts))
  if (options.balance !== undefined) args.push('--balance', String(options.balance))
  // With a loaded chain, the genesis time would set the clock back.
  if (options.genesisTimestamp !== undefined && !(options.stateFile && existsSync(options.stateFile)))
    args.push('--timestamp', String(options.genesisTimestamp))
  if (options.stateFile !== undefined) {
    mkdirSync(dirname(options.stateFile), { recursive: true })
    if (existsSync(options.stateFile)) args.push('--load-state', options.stateFile)
    args.push('--dump-state', dumpFileOf(options.stateFile), '--state-interval', '5')
  }
  return args
}

/** The path of the binary, not of npm's wrapper script, so that signals and exit codes are direct. */
function anvilBinary(): string {
  const require = createRequire(import.meta.url)
  const wrapper = createRequire(require.resolve('@foundry-rs/anvil/package.json'))
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  const name = `@foundry-rs/anvil-${process.platform}-${arch}`
  try {
    const file = process.platform === 'win32' ? 'anvil.exe' : 'anvil'
    return join(dirname(wrapper.resolve(`${name}/package.json`)), 'bin', file)
  } catch (cause) {
    throw new Error(`No anvil for this platform: install ${name}, or set RPC_URL to another chain`, { cause })
  }
}

async function untilReady(url: string, child: ChildProcess, failure: () => string): Promise<void> {
  const before = Date.now() + START_TIMEOUT_MS
  let cause: unknown
  while (Date.now() < before) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) break
    try {
      await rpc(url, 'eth_chainId')
      return
    } catch (error) {
      cause = error
      await sleep(20)
    }
  }
  await sleep(20)
  throw new Error(failure(), { cause })
}

/** Completes a loaded chain, which has forgotten the hashes of its blocks and starts its clock anywhere: contracts see the hashes again, and the time is that of the
 *  last block, or the present if that is later. For a moment, clients may see a further block. */
async function completeLoaded(url: string, blockInterval: number | undefined): Promise<void> {
  const block = (await rpc(url, 'eth_getBlockByNumber', ['latest', false])) as { number: string; timestamp: string }
  if (BigInt(block.number) > 0n) {
    await rpc(url, 'evm_mine')
    const mined = Number(await rpc(url, 'eth_blockNumber')) - Number(block.number)
    await rpc(url, 'anvil_rollback', [mined]) // sets what BLOCKHASH answers, which loading does only in later releases (foundry#15167)
    const last = Number(block.timestamp)
    const now = Math.floor(Date.now() / 1000)
    await rpc(url, 'evm_setTime', [blockInterval === undefined ? Math.max(last + 1, now) : last])
  }
  if (blockInterval !== undefined) await rpc(url, 'anvil_setBlockTimestampInterval', [blockInterval])
}

async function end(pid: number, exited: Promise<void>, gone: () => boolean): Promise<void> {
  if (gone()) return
  process.kill(pid, 'SIGTERM')
  await Promise.race([exited, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })])
  if (gone()) return
  process.kill(pid, 'SIGKILL')
  await exited
}

function isAnvil(pid: number): boolean {
  try {
    const name = existsSync('/proc')
      ? readFileSync(`/proc/${pid}/stat`, 'utf8').replace(
          /^\d+ \((.*)\) (.).*$/s,
          (_, comm, state) => `${comm}:${state}`,
        )
      : execFileSync('ps', ['-p', String(pid), '-o', 'comm='], { encoding: 'utf8' }).trim()
    return name.includes('anvil') && !name.endsWith(':Z')
  } catch {
    return false
  }
}

function writePidFile(path: string, pid: number): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${pid}\n`)
}

/** Finds a free port (0), or checks that the given one is free. */
function claimPort(wanted: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (cause) =>
      reject(new Error(`Port ${wanted} is in use: stop the program that uses it, or choose another port`, { cause })),
    )
    server.listen(wanted, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
