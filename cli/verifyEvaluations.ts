import { readFile } from 'node:fs/promises'
import { keccak256 } from 'viem'
import { ConfigError } from '#config'
import { ArtifactError, type ArtifactStore } from '#schema/artifacts/index.ts'
import type { Sql } from '#schema/database.ts'
import {
  type EvaluationLog,
  evaluationLogDocument,
  getDocument,
  itemsDocument,
  parseDocument,
  rubricDocument,
  type SealedItems,
} from '#schema/documents.ts'
import { PermanentError } from '#schema/errors.ts'
import { SealError } from '#schema/journal/seal.ts'
import { checkEvaluationLog } from '#workers/checkEvaluationLog.ts'
import { evaluationsOf } from '#workers/storedEvaluations.ts'
import { type OwnIndexOptions, onOwnIndex } from './ownIndex.ts'

/** Items that somebody was given, by the name of their document. */
type GivenItems = { name: string; items: SealedItems }

/** `modelcommons verify evaluations`: checks every evaluation whose items are opened. Exits with 1 when one is wrong. */
export async function verifyEvaluations(options: OwnIndexOptions & { items?: string }): Promise<void> {
  const given = options.items === undefined ? undefined : await readItems(options.items)
  const said = await onOwnIndex(options, ({ sql, artifacts }) => evaluationVerdicts(sql, artifacts, given))
  for (const { text, ok } of said) (ok ? console.log : console.error)(text)
  if (said.length === 0) console.log('No version is evaluated yet.')
  if (said.some(({ ok }) => !ok)) process.exitCode = 1
}

async function readItems(file: string): Promise<GivenItems> {
  const bytes = await readFile(file).catch((cause) => {
    throw new ConfigError(`--items: ${file} cannot be read: ${(cause as Error).message}`, { cause })
  })
  const parsed = parseDocument(itemsDocument, bytes)
  if (!parsed.success) throw new ConfigError(`--items: ${file} ${parsed.problem}`)
  return { name: keccak256(bytes), items: parsed.data }
}

/** One sentence for each evaluation, in the order of the versions. */
export async function evaluationVerdicts(
  sql: Sql,
  artifacts: ArtifactStore,
  given?: GivenItems,
): Promise<{ text: string; ok: boolean }[]> {
  const { rows } = await sql.query<{ version: string; rubric: string; log: string }>(
    `select distinct version_id as version, rubric_hash as rubric, log_hash as log from evaluation where to_block is null`,
  )
  rows.sort((a, b) => Number(a.version) - Number(b.version))
  const said: { text: string; ok: boolean }[] = []
  for (const row of rows) {
    const { fault, waits } = await judged(sql, artifacts, row, given)
    const what = `Version ${row.version}, log ${row.log}: `
    said.push({ text: what + (fault ?? waits ?? 'right.'), ok: fault === undefined })
  }
  return said
}

type Evaluated = { version: string; rubric: string; log: string }

async function judged(
  sql: Sql,
  artifacts: ArtifactStore,
  { version, rubric: rubricHash, log: logHash }: Evaluated,
  given: GivenItems | undefined,
): Promise<{ fault?: string; waits?: string }> {
  try {
    const log = await getDocument(artifacts, evaluationLogDocument, logHash)
    const rubric = await getDocument(artifacts, rubricDocument, rubricHash)
    if (log.versionId !== version || log.rubric !== rubricHash || log.items !== rubric.test)
      return { fault: 'it is the log of another version, rubric or set of items.' }
    if (!(await isLogged(sql, log, logHash))) return { fault: 'its metrics are not those on the chain.' }
    const items =
      given?.name === rubric.test ? given.items : await getDocument(artifacts, itemsDocument, rubric.test).catch(absent)
    if (!items) return { waits: 'its items are still sealed.' }
    const [fault] = checkEvaluationLog(log, items, rubric)
    return { fault }
  } catch (error) {
    if (error instanceof ArtifactError && error.code === 'missing') return { waits: error.message }
    if (error instanceof ArtifactError || error instanceof SealError || error instanceof PermanentError)
      return { fault: (error as Error).message }
    throw error
  }
}

function absent(error: unknown): undefined {
  if (!(error instanceof ArtifactError) || error.code !== 'missing') throw error
}

async function isLogged(sql: Sql, { versionId, rubric, metrics }: EvaluationLog, logHash: string): Promise<boolean> {
  const line = (one: { metric: string; score: unknown; lower: unknown; upper: unknown; n: unknown }) =>
    [one.metric, one.score, one.lower, one.upper, one.n].join()
  const logged = (await evaluationsOf(sql, versionId, rubric)).filter((one) => one.logHash === logHash)
  return logged.map(line).sort().join('\n') === metrics.map(line).sort().join('\n')
}
