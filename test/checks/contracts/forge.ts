import { execFileSync, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { COMPILER_SETTINGS } from '#contracts/compile.ts'
import type { ContractBug } from './bugs/index.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const PACKAGE = join(import.meta.dirname, 'forge')
const INVARIANTS = join(import.meta.dirname, 'invariants')
const SOLC = join(import.meta.dirname, 'solc.mjs')

/** Calls of one sequence, which begins with a fresh deployment. */
const DEPTH = 200
/** Invariants are checked after so many calls, and at the end of a sequence. */
const CHECK_INTERVAL = 5
/** At most this passes between two calls: seconds and blocks. */
const MAX_DELAY = { seconds: 60, blocks: 20 }

/** Tries to find fewer calls that break an invariant. */
const SHRINK_RUNS = 5_000

/** The suites of invariants, each in a file of its own. */
export const invariantSuites = readdirSync(INVARIANTS)
  .filter((file) => file.endsWith('.t.sol'))
  .map((file) => file.replace('.t.sol', ''))

type ForgeCall = { contract_name: string; func_name: string; raw_args: string }
type ForgeTest = {
  status: 'Success' | 'Failure' | 'Skipped'
  reason: string | null
  counterexample: { Sequence: [number, ForgeCall[]] } | null
  kind: { Invariant?: { calls: number; metrics: Record<string, { calls: number; reverts: number }> } }
}
type ForgeReport = Record<string, { test_results: Record<string, ForgeTest> }>

/** `done`: calls of each function of the handler that were not refused. `broken`: the invariant that does not hold, with the calls that break it. */
export type SuiteResult = {
  suite: string
  calls: number
  refused: number
  functions: { name: string; calls: number; done: number }[]
  broken: string[]
}

/** Installs forge beside its package file unless it is there. */
export function installForge(): void {
  if (existsSync(join(PACKAGE, 'node_modules/@foundry-rs/forge'))) return
  console.log('Installing forge under test/checks/contracts/forge (85 MB).')
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: PACKAGE, stdio: 'inherit' })
}

/** Copies contracts and invariants into a project of forge and compiles it with the project's own compiler. @param bug is planted in the copy */
export function buildForgeProject(folder: string, bug?: ContractBug): void {
  const paths = bug ? [testPath(bug.suite)] : []
  mkdirSync(folder, { recursive: true })
  for (const name of ['src', 'test', 'cache/invariant']) rmSync(join(folder, name), { recursive: true, force: true })
  cpSync(join(ROOT, 'contracts/src'), join(folder, 'src'), { recursive: true })
  cpSync(INVARIANTS, join(folder, 'test'), { recursive: true })
  if (!existsSync(join(folder, 'node_modules'))) symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(
    join(folder, 'foundry.toml'),
    bug ? settings(false, 0) : settings(COMPILER_SETTINGS.optimizer.enabled, SHRINK_RUNS),
  )
  if (bug) plant(folder, bug)
  execFileSync(forgeBinary(), ['build', '--quiet', ...paths], { cwd: folder, stdio: 'inherit' })
}

/** Lets random callers make `calls` calls, in sequences of `DEPTH`, and checks the suite's invariants.
 *  @throws Error when forge ends without a report */
export async function runSuite(folder: string, suite: string, calls: number, seed: number): Promise<SuiteResult> {
  const runs = Math.ceil(calls / DEPTH)
  const args = ['test', '--json', '--match-path', testPath(suite), '--fuzz-seed', String(seed)]
  const output = await forgeOutput(folder, args, { FOUNDRY_INVARIANT_RUNS: String(runs) })
  const tests = Object.values(output).flatMap(({ test_results }) => Object.entries(test_results))
  const [entry] = tests
  if (!entry || tests.length > 1)
    throw new Error(`${suite}.t.sol must have one invariant; forge ran ${tests.length} tests`)
  const [name, { status, reason, counterexample, kind }] = entry
  const functions = Object.entries(kind.Invariant?.metrics ?? {})
    .map(([path, { calls, reverts }]) => ({ name: path.replace(/^.*\./, ''), calls, done: calls - reverts }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return {
    suite,
    calls: kind.Invariant?.calls ?? 0,
    refused: functions.reduce((sum, { calls, done }) => sum + calls - done, 0),
    functions,
    broken: status === 'Success' ? [] : [`${name}: ${reason}`, ...(counterexample?.Sequence[1] ?? []).map(callText)],
  }
}

const testPath = (suite: string) => `test/${suite}.t.sol`

const callText = ({ contract_name, func_name, raw_args }: ForgeCall) =>
  `  ${contract_name.replace(/^.*:/, '')}.${func_name}(${raw_args})`

function forgeOutput(folder: string, args: readonly string[], env: Record<string, string>): Promise<ForgeReport> {
  return new Promise((done, fail) => {
    const child = spawn(forgeBinary(), args, { cwd: folder, env: { ...process.env, ...env } })
    let [out, said] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (chunk) => (out += chunk))
    child.stderr.setEncoding('utf8').on('data', (chunk) => (said = (said + chunk).slice(-2_000)))
    child.once('error', fail)
    child.once('close', () => {
      try {
        done(JSON.parse(out) as ForgeReport)
      } catch (cause) {
        fail(new Error(`forge wrote no report: ${said || out.slice(0, 2_000)}`, { cause }))
      }
    })
  })
}

function plant(folder: string, { file, from, to }: ContractBug): void {
  const path = join(folder, 'src', file)
  const text = readFileSync(path, 'utf8')
  if (text.split(from).length !== 2) throw new Error(`${file} must have this line once, for bugs.ts: ${from}`)
  writeFileSync(
    path,
    text.replace(from, () => to),
  )
}

/** A planted bug is compiled without the optimizer, and its calls are not reduced: it is enough that it is found. */
const settings = (optimizer: boolean, shrinkRuns: number) => `[profile.default]
solc = "${SOLC}"
evm_version = "${COMPILER_SETTINGS.evmVersion}"
optimizer = ${optimizer}
optimizer_runs = ${COMPILER_SETTINGS.optimizer.runs}
remappings = ["@openzeppelin/=node_modules/@openzeppelin/"]
libs = ["node_modules"]
offline = true
lint.lint_on_build = false
invariant.depth = ${DEPTH}
invariant.check_interval = ${CHECK_INTERVAL}
invariant.shrink_run_limit = ${shrinkRuns}
invariant.max_time_delay = ${MAX_DELAY.seconds}
invariant.max_block_delay = ${MAX_DELAY.blocks}
`

/** The path of the binary for this platform, which forge's package depends on. */
function forgeBinary(): string {
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  const name = `@foundry-rs/forge-${process.platform}-${arch}`
  try {
    const require = createRequire(join(PACKAGE, 'node_modules/@foundry-rs/forge/package.json'))
    return join(require.resolve(`${name}/package.json`), '../bin', process.platform === 'win32' ? 'forge.exe' : 'forge')
  } catch (cause) {
    throw new Error(`No forge for this platform: ${name} is not in ${PACKAGE}/node_modules`, { cause })
  }
}
