import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type AcceptedMutant, acceptedMutants } from './mutants/accepted.ts'

const FOLDER = join(import.meta.dirname, 'mutants')
const CONFIG = 'test/checks/mutants/stryker.config.json'
const REPORT = '.modelcommons/mutants/report.json'
const MIN_SCORE = 0.95

/** The parts of Stryker's report (mutation-testing-report-schema 2) that are read here. Lines and columns count from 1. */
type Position = { line: number; column: number }
type Mutant = {
  status: 'Killed' | 'Survived' | 'NoCoverage' | 'Timeout' | 'CompileError' | 'RuntimeError' | 'Ignored'
  mutatorName: string
  replacement: string
  location: { start: Position; end: Position }
}
type MutationReport = { files: Record<string, { source: string; mutants: Mutant[] }> }
/** `status` tells a mutant that no test runs, and one that Stryker could not judge, from a plain survivor. */
type Survivor = Omit<AcceptedMutant, 'because'> & { lineNumber: number; status: Mutant['status'] }
/** Counts of mutants; `outdated` counts entries of `mutants/accepted.ts` that are killed now. */
type FileResult = { mutants: number; killed: number; accepted: number; unexplained: number; outdated: number }

/**
 * `npm run check -- mutants [--files rules/fee.ts,rules/bond.ts] [--incremental]`: Stryker changes `rules/` and `math/` one
 * expression at a time; each change must make a test fail. `--incremental` reuses the results of files and tests that
 * did not change since the last such run. Each file is changed in a run of its own, with the tests that import it (what a
 * file computes when it is loaded needs all tests of a run once more for each change), and told as soon as it is done. The
 * last line is one JSON object.
 * @returns whether at least 95 % of the mutants are killed, every survivor is in `mutants/accepted.ts`, and that list has no
 * entry which is killed now.
 */
export async function checkMutants(files: string | undefined, incremental: boolean): Promise<boolean> {
  const begin = performance.now()
  install()
  const sums: FileResult = { mutants: 0, killed: 0, accepted: 0, unexplained: 0, outdated: 0 }
  for (const one of files?.split(',') ?? ruleFiles()) {
    for (const [file, { source, mutants }] of await changed(one, incremental)) {
      const result = judge(file, source, mutants)
      for (const count of Object.keys(sums) as (keyof FileResult)[]) sums[count] += result[count]
    }
  }
  const ok = sums.killed >= MIN_SCORE * sums.mutants && sums.unexplained === 0 && sums.outdated === 0
  const seconds = Math.round((performance.now() - begin) / 1000)
  console.log(JSON.stringify({ check: 'mutants', ok, score: percent(sums.killed, sums.mutants), ...sums, seconds }))
  return ok
}

/** Prints what became of one file's mutants, at once: a run over all files takes more than an hour. */
function judge(file: string, source: string, mutants: Mutant[]): FileResult {
  const valid = mutants.filter(({ status }) => status !== 'Ignored')
  const survivors = valid
    .filter(({ status }) => status !== 'Killed' && status !== 'Timeout')
    .map((mutant) => survivorOf(file, source, mutant))
  const unexplained = survivors.filter((survivor) => !acceptedMutants.some((entry) => sameMutant(entry, survivor)))
  const outdated = acceptedMutants.filter(
    (entry) => entry.file === file && !survivors.some((survivor) => sameMutant(entry, survivor)),
  )
  const killed = valid.length - survivors.length
  if (valid.length > 0) console.log(`${percent(killed, valid.length).padStart(7)} ${file}`)
  for (const { lineNumber, line, mutation, status } of unexplained)
    console.log(`${status}: ${file}:${lineNumber}\n  ${line}\n  ${mutation}`)
  for (const { line, mutation } of outdated)
    console.log(`accepted but no longer a survivor; delete it from accepted.ts: ${file}\n  ${line}\n  ${mutation}`)
  return {
    mutants: valid.length,
    killed,
    accepted: survivors.length - unexplained.length,
    unexplained: unexplained.length,
    outdated: outdated.length,
  }
}

/** The files of `rules/` and `math/`, without tests. */
const ruleFiles = (): string[] =>
  ['rules', 'math']
    .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.startsWith('rules/test/'))
    .sort()

/** Lets Stryker change one file. @returns its report; of a file that exports types alone there is none. */
async function changed(
  file: string,
  incremental: boolean,
): Promise<[file: string, changes: MutationReport['files'][string]][]> {
  if (Object.keys(await import(resolve(file))).length === 0) return []
  rmSync(REPORT, { force: true })
  const flags = ['--mutate', file, ...(incremental ? ['--incremental'] : [])]
  execFileSync(process.execPath, [binary(), 'run', CONFIG, ...flags], { stdio: 'inherit' })
  return Object.entries((JSON.parse(readFileSync(REPORT, 'utf8')) as MutationReport).files)
}

const binary = () => join(FOLDER, 'node_modules/@stryker-mutator/core/bin/stryker.js')

/** Installs Stryker beside its configuration unless it is there: the project itself does not depend on it. Its peer, vitest,
 *  is the project's own. */
function install(): void {
  if (existsSync(binary())) return
  console.log('Installing Stryker under test/checks/mutants (64 MB).')
  execFileSync('npm', ['ci', '--ignore-scripts', '--legacy-peer-deps', '--no-audit', '--no-fund'], {
    cwd: FOLDER,
    stdio: 'inherit',
  })
}

function survivorOf(file: string, source: string, mutant: Mutant): Survivor {
  const { start, end } = mutant.location
  const lines = source.split('\n').slice(start.line - 1, end.line)
  const first = lines[0] ?? ''
  // The end is cut first: on a single line, both columns are of the same text.
  const original = [...lines.slice(0, -1), (lines.at(-1) ?? '').slice(0, end.column - 1)]
    .join('\n')
    .slice(start.column - 1)
  return {
    file,
    line: first.trim(),
    mutation: `${onOneLine(original)} → ${onOneLine(mutant.replacement)}`,
    lineNumber: start.line,
    status: mutant.status,
  }
}

const onOneLine = (code: string) => code.replace(/\s+/g, ' ').trim()

const sameMutant = (a: Omit<AcceptedMutant, 'because'>, b: Omit<AcceptedMutant, 'because'>) =>
  a.file === b.file && a.line === b.line && a.mutation === b.mutation

const percent = (part: number, whole: number) => (whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`)
