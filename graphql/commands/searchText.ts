import { parseSample, SampleError } from '#rules/sample.ts'
import type { ArtifactStore } from '#schema/artifacts/index.ts'
import type { Sql } from '#schema/database.ts'
import { parseDocument, specificationDocument } from '#schema/documents.ts'
import { ApiError } from '../errors.ts'
import { requireUnsealed } from '../resolvers/sealedArtifacts.ts'

/** Keeps the text of an uploaded specification or sample for searches; whether somebody may find it is decided when it is searched. */
export async function storeSearchText(
  sources: { db: Sql; artifacts: ArtifactStore },
  id: string,
  kind: string,
  bytes: Uint8Array,
): Promise<void> {
  const text = kind === 'specification' ? ofSpecification(bytes) : kind === 'sample' ? ofSample(bytes) : undefined
  if (text === undefined || (await isSealed(sources, id, bytes))) return
  await sources.db.query('insert into search_text (id, kind, text) values ($1, $2, $3) on conflict do nothing', [
    id,
    kind,
    text.replaceAll('\0', ' '),
  ])
}

async function isSealed(...document: Parameters<typeof requireUnsealed>): Promise<boolean> {
  try {
    await requireUnsealed(...document)
    return false
  } catch (error) {
    if (error instanceof ApiError) return true
    throw error
  }
}

function ofSpecification(bytes: Uint8Array): string | undefined {
  const parsed = parseDocument(specificationDocument, bytes)
  return parsed.success ? `${parsed.data.name}\n${parsed.data.purpose}` : undefined
}

function ofSample(bytes: Uint8Array): string | undefined {
  try {
    const { prompt, completion } = parseSample(new TextDecoder().decode(bytes))
    return `${prompt}\n${completion}`
  } catch (error) {
    if (error instanceof SampleError) return undefined
    throw error
  }
}
