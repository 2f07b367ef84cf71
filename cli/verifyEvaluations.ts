import { readFile } from 'node:fs/promises'
import { keccak256 } from 'viem'
import { ConfigError } from '#config'
import type { ArtifactStore } from '#schema/artifacts/index.ts'
import type { Sql } from '#schema/database.ts'
import { itemsDocument, parseDocument } from '#schema/documents.ts'
import { evaluationVerdict, type GivenItems, type LoggedEvaluation } from '#workers/evaluationVerdict.ts'
import { type OwnIndexOptions, onOwnIndex } from './ownIndex.ts'

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
  const { rows } = await sql.query<LoggedEvaluation>(
    `select distinct version_id as version, rubric_hash as rubric, log_hash as log from evaluation where to_block is null`,
  )
  rows.sort((a, b) => Number(a.version) - Number(b.version))
  const said: { text: string; ok: boolean }[] = []
  for (const row of rows) {
    const { fault, waits } = await evaluationVerdict(sql, artifacts, row, given)
    const what = `Version ${row.version}, log ${row.log}: `
    said.push({ text: what + (fault ?? waits ?? 'right.'), ok: fault === undefined })
  }
  return said
}
