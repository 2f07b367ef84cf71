import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import { ArtifactError, type ArtifactStore } from '#schema/artifacts/index.ts'
import type { Sql } from '#schema/database.ts'
import { comparisonKeyDocument, getDocument, mayBeDocument, rubricDocument } from '#schema/documents.ts'
import { failFastList } from '#schema/failFastList.ts'
import { ApiError } from '../errors.ts'

/** Sealed artifacts are recognised by their shape, because a label could be wrong, and by any part of it that would give an item away, because a document
 *  that is not quite right may still be readable; and by the mandates that name them as their items, whatever their form is. */

/** A list may have half a million of them: each is looked at without zod. */
function isItem(value: unknown): boolean {
  const { prompt, completion } = (value ?? {}) as { prompt?: unknown; completion?: unknown }
  return typeof prompt === 'string' && typeof completion === 'string'
}

const SEALED = [
  z.object({ items: z.custom((items) => Array.isArray(items) && items.some(isItem)) }),
  comparisonKeyDocument,
  // The log of an evaluation, as releases up to 0.2 stored it.
  z.object({ samples: failFastList(z.object({ input: z.unknown(), target: z.unknown() }), { min: 1 }) }),
]

/** Evaluation items, comparison keys and unsealed logs would let a reader train on the items or copy the known answers.
 *  @throws ApiError when `bytes` is a sealed artifact that is not opened yet. */
export async function requireUnsealed(
  context: { db: Sql; artifacts: ArtifactStore },
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  if (!(hasSealedShape(bytes) || (await isNamed(context, name))) || (await isOpened(context, name))) return
  throw new ApiError(
    'ARTIFACT_SEALED',
    'This artifact is sealed: it contains test items or known answers. Test items open when the mandates of their rubric have ended, known answers when their round is settled.',
  )
}

function hasSealedShape(bytes: Uint8Array): boolean {
  if (!(mayBeJson(bytes) && mayBeDocument(bytes))) return false
  const text = new TextDecoder().decode(bytes) // without a byte order mark
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return FAULTY_ITEMS.test(text)
  }
  return SEALED.some((shape) => shape.safeParse(value).success)
}

/** A list of items, or a log of them, that is not quite JSON. */
const FAULTY_ITEMS = /"(?:items|samples)"\s*:\s*\[/

/** White space of JSON, and a byte order mark. */
const WHITE_SPACE = [0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]
const BRACE = 0x7b

/** Whether a text that begins with these bytes may be a JSON object; undefined while there is only white space. */
export function mayBeJson(bytes: Uint8Array): boolean | undefined {
  const first = bytes.find((byte) => !WHITE_SPACE.includes(byte))
  return first === undefined ? undefined : first === BRACE
}

/** Whether the rubric of a mandate names this document as its items. */
async function isNamed({ db, artifacts }: { db: Sql; artifacts: ArtifactStore }, name: string): Promise<boolean> {
  const { rows } = await db.query<{ rubric: string }>(
    'select distinct rubric_hash as rubric from mandate where to_block is null',
  )
  for (const { rubric } of rows) if ((await itemsOf(artifacts, rubric))?.includes(name)) return true
  return false
}

/** Whether the items of this name are retired: the rubrics of some mandates name them, and all of these mandates have ended, by the time of the newest
 *  final block. While the rubric of a running mandate cannot be read, nothing opens. */
async function isOpened({ db, artifacts }: { db: Sql; artifacts: ArtifactStore }, name: string): Promise<boolean> {
  if (await isOpenedGold(db, name)) return true
  const { rows } = await db.query<{ rubric: string; ended: boolean }>(
    `select rubric_hash as rubric, bool_and(deadline < (select max(timestamp) from block where final)) as ended from mandate where to_block is null group by 1`,
  )
  let named = false
  for (const { rubric, ended } of rows) {
    const items = await itemsOf(artifacts, rubric)
    if (!ended && (items === undefined || items.includes(name))) return false
    named ||= items?.includes(name) ?? false
  }
  return named
}

/** Whether the chain has opened the gold tasks that this document names. */
async function isOpenedGold(db: Sql, name: string): Promise<boolean> {
  const { rows } = await db.query('select 1 from feedback_round where gold_secret = $1 and to_block is null limit 1', [
    name,
  ])
  return rows.length > 0
}

/** What rubrics name, by the rubric's name; a rubric that cannot be read is asked for again after a minute. */
const knownItems = new LRUCache<string, { names: readonly string[] | undefined }>({ max: 1_000 })
const UNREADABLE_MS = 60_000

async function itemsOf(artifacts: ArtifactStore, rubric: string): Promise<readonly string[] | undefined> {
  const known = knownItems.get(rubric)
  if (known) return known.names
  const names = await readItems(artifacts, rubric)
  knownItems.set(rubric, { names }, names ? {} : { ttl: UNREADABLE_MS })
  return names
}

async function readItems(artifacts: ArtifactStore, rubric: string): Promise<readonly string[] | undefined> {
  try {
    const { test, validation } = await getDocument(artifacts, rubricDocument, rubric)
    return [test, validation]
  } catch (error) {
    if (error instanceof ArtifactError) return undefined
    throw error
  }
}
