import { ArtifactError, type ArtifactStore } from '#schema/artifacts/index.ts'
import type { Sql } from '#schema/database.ts'
import {
  type EvaluationLog,
  evaluationLogDocument,
  getDocument,
  itemsDocument,
  rubricDocument,
  type SealedItems,
} from '#schema/documents.ts'
import { PermanentError } from '#schema/errors.ts'
import { checkEvaluationLog } from './checkEvaluationLog.ts'
import { evaluationsOf } from './storedEvaluations.ts'

/** Items that somebody was given, by the name of their document. */
export type GivenItems = { name: string; items: SealedItems }

/** One evaluation on the chain: version, rubric and log. */
export type LoggedEvaluation = { version: string; rubric: string; log: string }

/**
 * Judges an evaluation by its log and by its items, when these are given or can be read: whoever has opened or sealed items can.
 * @returns what is wrong (`fault`), or why nobody can tell yet (`waits`); neither when it is right. No sentence quotes an item.
 */
export async function evaluationVerdict(
  sql: Sql,
  artifacts: Pick<ArtifactStore, 'get'>,
  { version, rubric: rubricHash, log: logHash }: LoggedEvaluation,
  given?: GivenItems,
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
    if (error instanceof PermanentError) return { fault: error.message }
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
