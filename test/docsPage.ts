import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Runs the commands of a page of the documentation, in order: each line of a `sh` block, and each `graphql` block. */

const ROOT = join(import.meta.dirname, '..')

export interface PageStep {
  kind: 'sh' | 'graphql'
  /** As it stands on the page. */
  text: string
}

/** What is done with the output of a step, by its beginning. */
export type StepHooks = Record<string, (output: string) => Promise<unknown> | unknown>

export interface PageRun {
  /** Where the commands run. */
  cwd: string
  env: Record<string, string>
  /** Of the API, for queries. */
  api: string
  /** What the words in capitals stand for: filled in as the commands tell it. */
  names: Record<string, string>
  /** Waits, before a step whose text begins so, for what others must do first. */
  before?: Record<string, () => Promise<unknown>>
  /** What follows a step whose text begins so, of each: looks at its output, or lets others act. */
  after?: readonly StepHooks[]
  /** Runs each step, so that nothing hurries it. */
  around?<T>(work: () => Promise<T>): Promise<T>
  onStep?(step: PageStep, seconds: number): void
  signal?: AbortSignal
}

const PROGRAM = 'npx modelcommons '

/** The steps of a page, or of its first part: what follows the heading `until` is left out. */
export function pageSteps(page: string, until?: string): PageStep[] {
  const end = until ? page.indexOf(`\n${until}\n`) : -1
  const text = end < 0 ? page : page.slice(0, end)
  return [...text.matchAll(/^```(sh|graphql)\n([\s\S]*?)^```$/gm)].flatMap(([, kind, block = '']): PageStep[] =>
    kind === 'graphql'
      ? [{ kind, text: block.trim() }]
      : block
          .trim()
          .split('\n')
          .map((line) => ({ kind: 'sh', text: line.replace(/\s+#.*$/, '') })),
  )
}

export const readPage = (name: string): Promise<string> => readFile(join(ROOT, 'docs', name), 'utf8')

/** @returns how many steps there were. @throws Error that names the step that failed, and what it said. */
export async function runSteps(steps: readonly PageStep[], run: PageRun): Promise<number> {
  for (const step of steps) {
    run.signal?.throwIfAborted()
    const words = step.text.replace(PROGRAM, '')
    await hookOf(run.before, words)?.()
    const began = performance.now()
    const { around = (work) => work() } = run
    const output = await around(() => (step.kind === 'sh' ? runCommand(step.text, run) : runQuery(step.text, run)))
    run.onStep?.(step, (performance.now() - began) / 1000)
    for (const hooks of run.after ?? []) await hookOf(hooks, words)?.(output)
  }
  return steps.length
}

/** The hook with the longest beginning that the text has. */
const hookOf = <T>(hooks: Record<string, T> = {}, text: string): T | undefined =>
  Object.entries(hooks)
    .filter(([beginning]) => text.startsWith(beginning))
    .sort(([a], [b]) => b.length - a.length)[0]?.[1]

/** Puts in what the words in capitals stand for. @throws Error when one is not known yet. */
function filledIn(text: string, names: Record<string, string>): string {
  return text.replace(/\b[A-Z]{4,}\b/g, (word) => {
    if (names[word] === '') throw new Error(`${word} is not known yet: ${text}`)
    return names[word] ?? word
  })
}

function runCommand(command: string, { cwd, env, names, signal }: PageRun): Promise<string> {
  if (!command.startsWith(PROGRAM)) throw new Error(`${command} does not begin with ${PROGRAM}.`)
  const [given = '', file] = filledIn(command.slice(PROGRAM.length), names).split(' > ')
  const words = given.match(/"[^"]*"|'[^']*'|\S+/g)?.map((word) => word.replace(/^(["'])(.*)\1$/s, '$2')) ?? []
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [join(ROOT, 'bin/modelcommons.js'), ...words], {
    ...{ cwd, signal, env: { PATH, HOME, ...env } },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => void (stdout += chunk))
  child.stderr.on('data', (chunk) => void (stderr += chunk))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', async (code) => {
      if (code !== 0) return reject(new Error(`${command}\n  ended with ${code}: ${stderr.trim() || stdout.trim()}`))
      if (file) await writeFile(join(cwd, file), stdout)
      resolve(stdout.trim())
    })
  })
}

async function runQuery(query: string, { api, names, signal }: PageRun): Promise<string> {
  const body = JSON.stringify({ query: filledIn(query, names) })
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${api}/graphql`, { method: 'POST', headers, body, signal })
  const { data, errors } = (await answer.json()) as { data?: unknown; errors?: { message: string }[] }
  if (errors) throw new Error(`${query}\n  is answered: ${errors.map(({ message }) => message).join('; ')}`)
  return JSON.stringify(data)
}
