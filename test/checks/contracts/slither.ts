import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { COMPILER_SETTINGS } from '#contracts/compile.ts'
import { type TriagedFinding, triagedFindings } from './triaged.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const WORK = resolve(ROOT, '.modelcommons/contracts')
const PACKAGES = join(WORK, 'python')
const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt')
const SOLC = join(import.meta.dirname, 'solc.mjs')
const REPORT = join(WORK, 'slither.json')
const python = process.platform === 'win32' ? 'python' : 'python3'

/** The parts of Slither's report that are read here. */
type SlitherReport = {
  success: boolean
  error: string | null
  results: { detectors?: { check: string; impact: string; description: string; first_markdown_element: string }[] }
}

/** A finding by its text without line numbers, so that it may move within its file. `at`: where it is now. */
export type SlitherFinding = Pick<TriagedFinding, 'check' | 'finding'> & { impact: string; at: string }

/** Runs Slither on `contracts/src` and compares its findings of high and medium impact with `triaged.ts`. An analysis that sees nothing
 *  fails too: the triaged findings are then missing. @returns what must be mended, one line each */
export function runSlither(): string[] {
  installSlither()
  const found = analyse()
  const { untriaged, outdated } = compareFindings(found, triagedFindings)
  console.log(`slither: ${found.length} findings of high or medium impact, ${untriaged.length} of them not triaged`)
  return [
    ...untriaged.map((one) => `new finding, ${one.impact} (${one.check}) in ${one.at}: ${one.finding}`),
    ...outdated.map((one) => `triaged but no longer found; delete it from triaged.ts: ${one.check}: ${one.finding}`),
  ]
}

/** Each entry covers one finding. */
export function compareFindings(found: readonly SlitherFinding[], triaged: readonly TriagedFinding[]) {
  const covers = (entry: TriagedFinding, one: SlitherFinding) =>
    entry.check === one.check && entry.finding === one.finding
  return {
    untriaged: found.filter((one) => !triaged.some((entry) => covers(entry, one))),
    outdated: triaged.filter((entry) => !found.some((one) => covers(entry, one))),
  }
}

/** The text of a finding on one line, without the places in parentheses. */
export const findingText = (description: string) =>
  description
    .replace(/ \([^()\s]+\.sol#[\d-]+\)/g, '')
    .replace(/\s+/g, ' ')
    .trim()

function analyse(): SlitherFinding[] {
  const sources = readdirSync(join(ROOT, 'contracts/src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.sol'))
    .map((file) => `contracts/src/${file}`)
    .sort()
  const input = join(WORK, 'slither-input.json')
  writeFileSync(input, JSON.stringify(compilerInput(sources)))
  rmSync(REPORT, { force: true })
  const flags = ['--compile-force-framework', 'solc-json', '--solc', SOLC, '--filter-paths', 'node_modules']
  const impacts = ['--exclude-low', '--exclude-informational', '--exclude-optimization', '--fail-none']
  const { stderr } = runPython(['-m', 'slither', input, ...flags, ...impacts, '--json', REPORT])
  if (!existsSync(REPORT)) throw new Error(`Slither wrote no report: ${stderr.slice(-2_000)}`)
  const report = JSON.parse(readFileSync(REPORT, 'utf8')) as SlitherReport
  if (!report.success) throw new Error(`Slither failed: ${report.error}`)
  return (report.results.detectors ?? []).map(({ check, impact, description, first_markdown_element }) => ({
    check,
    impact: impact.toLowerCase(),
    finding: findingText(description),
    at: first_markdown_element,
  }))
}

function compilerInput(sources: readonly string[]) {
  return {
    language: 'Solidity',
    sources: Object.fromEntries(sources.map((path) => [path, { urls: [path] }])),
    settings: {
      ...COMPILER_SETTINGS,
      remappings: ['@openzeppelin/=node_modules/@openzeppelin/'],
      outputSelection: {
        '*': { '*': ['abi', 'devdoc', 'userdoc', 'evm.bytecode', 'evm.deployedBytecode'], '': ['ast'] },
      },
    },
  }
}

/** Installs Slither into a folder of its own unless these versions are there. */
function installSlither(): void {
  mkdirSync(WORK, { recursive: true })
  const installed = join(PACKAGES, 'requirements.txt')
  const wanted = readFileSync(REQUIREMENTS, 'utf8')
  if (existsSync(installed) && readFileSync(installed, 'utf8') === wanted) return
  const version = spawnSync(python, ['--version'], { encoding: 'utf8' })
  if (version.error || version.status !== 0)
    throw new Error(`Slither needs Python 3.10 or later: install it so that \`${python}\` starts it.`)
  console.log('Installing Slither under .modelcommons/contracts (120 MB).')
  rmSync(PACKAGES, { recursive: true, force: true })
  try {
    const flags = [
      '--quiet',
      '--disable-pip-version-check',
      '--root-user-action',
      'ignore',
      '--no-deps',
      '--only-binary',
      ':all:',
    ]
    execFileSync(python, ['-m', 'pip', 'install', ...flags, '--target', PACKAGES, '-r', REQUIREMENTS], {
      stdio: 'inherit',
    })
  } catch (cause) {
    throw new Error(
      `pip could not install Slither. It needs pip, a registry of Python packages, and Python 3.10 or later (${version.stdout.trim()}).`,
      { cause },
    )
  }
  writeFileSync(installed, wanted)
}

const runPython = (args: readonly string[]) =>
  spawnSync(python, args, { cwd: ROOT, encoding: 'utf8', env: { ...process.env, PYTHONPATH: PACKAGES } })
