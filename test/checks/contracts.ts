import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import pLimit from 'p-limit'
import { type ContractBug, contractBugs } from './contracts/bugs/index.ts'
import { buildForgeProject, installForge, invariantSuites, runSuite, type SuiteResult } from './contracts/forge.ts'
import { runSlither } from './contracts/slither.ts'

const WORK = resolve(import.meta.dirname, '../../.modelcommons/contracts')
const PROJECT = resolve(WORK, 'forge')
const PROCESSES = 2
const CALLS = 1_200_000
/** Calls within which a planted bug must be found. */
const CALLS_FOR_A_BUG = 20_000
/** Less than this part of the calls of a handler's function done: it exercises nothing. */
const LEAST_DONE = 0.005

const PARTS = ['slither', 'invariants', 'bugs'] as const
type Part = (typeof PARTS)[number]

/**
 * `npm run check -- contracts [--only slither|invariants|bugs] [--calls N] [--seed S] [--bug NAME]`: Slither on the contracts, and invariants
 * under `--calls` random calls in all. `--only bugs` plants each bug of `contracts/bugs.ts`, or the one (or those of the suite) that `--bug` names: the invariants must
 * find it. The last line is one JSON object.
 */
export async function checkContracts(options: {
  only?: string
  calls?: string
  seed: string
  bug?: string
}): Promise<boolean> {
  const begin = performance.now()
  const only = partOf(options.bug === undefined ? options.only : 'bugs')
  const seed = Number(options.seed)
  const found: string[] = []
  let calls = 0
  if (only === undefined || only === 'slither') found.push(...runSlither())
  if (only === undefined || only === 'invariants') {
    const results = await runInvariants(Number(options.calls ?? CALLS), seed)
    calls = results.reduce((sum, result) => sum + result.calls, 0)
    found.push(...results.flatMap(faultsOf))
  }
  if (only === 'bugs')
    found.push(...(await findBugs(bugsNamed(options.bug), Number(options.calls ?? CALLS_FOR_A_BUG), seed)))
  for (const line of found) console.log(`  ${line}`)
  const seconds = Math.round((performance.now() - begin) / 1000)
  const ok = found.length === 0
  console.log(JSON.stringify({ check: 'contracts', ok, only, calls, found: found.length, seconds }))
  return ok
}

async function runInvariants(calls: number, seed: number): Promise<SuiteResult[]> {
  installForge()
  console.log(`invariants: compiling ${invariantSuites.length} suites`)
  buildForgeProject(PROJECT)
  const limit = pLimit(PROCESSES)
  return Promise.all(
    invariantSuites.map((suite) =>
      limit(async () => {
        const result = await runSuite(PROJECT, suite, calls / invariantSuites.length, seed)
        const held = result.broken.length === 0 ? 'hold' : 'DO NOT HOLD'
        console.log(`invariants of ${suite} ${held}: ${result.calls} calls, ${result.refused} of them refused`)
        return result
      }),
    ),
  )
}

/** What is wrong with the result of a suite: a broken invariant, or a function of its handler that is nearly always refused. */
function faultsOf({ suite, functions, broken }: SuiteResult): string[] {
  if (broken.length > 0) return broken.map((line) => `${suite}: ${line}`)
  return functions
    .filter(({ calls, done }) => done < LEAST_DONE * calls)
    .map(
      ({ name, calls, done }) => `${suite}: only ${done} of ${calls} calls of ${name} were done: it exercises nothing`,
    )
}

async function findBugs(bugs: readonly ContractBug[], calls: number, seed: number): Promise<string[]> {
  installForge()
  const folder = resolve(WORK, `bugs-${process.pid}`)
  const missed: string[] = []
  try {
    for (const bug of bugs) {
      buildForgeProject(folder, bug)
      const { broken } = await runSuite(folder, bug.suite, calls, seed)
      const [invariant] = broken
      console.log(
        `${invariant ? 'found' : 'NOT FOUND'}: ${bug.suite}: ${bug.name}${invariant ? ` (${invariant})` : ''}`,
      )
      if (!invariant) missed.push(`not found in ${calls} calls: ${bug.suite}: ${bug.name}`)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return missed
}

function bugsNamed(name: string | undefined): readonly ContractBug[] {
  const named = contractBugs.filter((bug) => name === undefined || bug.name === name || bug.suite === name)
  if (named.length > 0) return named
  throw new Error(`There is no bug “${name}”. Choose one of: ${contractBugs.map((bug) => bug.name).join('; ')}.`)
}

function partOf(name: string | undefined): Part | undefined {
  const part = PARTS.find((one) => one === name)
  if (name !== undefined && !part) throw new Error(`--only ${name}: choose one of ${PARTS.join(', ')}.`)
  return part
}
