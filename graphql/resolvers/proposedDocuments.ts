import { LRUCache } from 'lru-cache'
import { ArtifactError, type ArtifactStore } from '#schema/artifacts/index.ts'
import type { Sql } from '#schema/database.ts'
import { parseDocument, type Specification, specificationDocument } from '#schema/documents.ts'
import { ApiError } from '../errors.ts'
import { requireUnsealed } from './sealedArtifacts.ts'

/** The documents that a proposer names: a specification and a model card. The proposer may name any artifact as either: one that is sealed, too large, or
 *  no such document counts as none. */

const MAX_SPECIFICATION_BYTES = 1_000_000
const MAX_CARD_BYTES = 200_000
/** A document that is missing is looked for again after this time. */
const MISSING_MS = 30_000
const MAX_CACHED_BYTES = 50_000_000

interface Sources {
  db: Sql
  artifacts: ArtifactStore
}

/** Null when it is missing, damaged or sealed, or is no specification. */
export async function readSpecification(sources: Sources, specHash: string): Promise<Specification | null> {
  const bytes = await namedBytes(sources, specHash, MAX_SPECIFICATION_BYTES)
  const parsed = bytes && parseDocument(specificationDocument, bytes)
  return parsed?.success ? parsed.data : null
}

/** The Markdown of the specification's card; null when it names none, or when the card is missing, damaged, sealed, too large or no UTF-8. */
export async function readCard(sources: Sources, { card }: Pick<Specification, 'card'>): Promise<string | null> {
  const bytes = card ? await namedBytes(sources, card, MAX_CARD_BYTES) : null
  try {
    return bytes && new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

/** What was read, by store and name: an artifact never changes, but a sealed one opens and a missing one may come. */
const read = new WeakMap<object, LRUCache<string, { bytes: Uint8Array | null }>>()

/** The bytes of an artifact that a proposer names; null when it is missing, damaged, larger than `maxBytes`, or sealed. */
async function namedBytes({ artifacts, db }: Sources, name: string, maxBytes: number): Promise<Uint8Array | null> {
  let known = read.get(artifacts)
  if (!known) read.set(artifacts, (known = new LRUCache({ maxSize: MAX_CACHED_BYTES, sizeCalculation: sizeOf })))
  const cached = known.get(name)
  if (cached) return cached.bytes
  const bytes = await artifacts.get(name, { maxBytes }).catch(orNothing)
  const open = bytes && (await requireUnsealed({ db, artifacts }, name, bytes).then(() => bytes, orNothing))
  known.set(name, { bytes: open ?? null }, open ? {} : { ttl: MISSING_MS })
  return open ?? null
}

const sizeOf = ({ bytes }: { bytes: Uint8Array | null }) => 100 + (bytes?.length ?? 0)

function orNothing(error: unknown): null {
  if (error instanceof ArtifactError || error instanceof ApiError) return null
  throw error
}
