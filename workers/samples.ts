import { LRUCache } from 'lru-cache'
import type { z } from 'zod'
import type { ArtifactStore } from '#schema/artifacts/index.ts'
import { getDocument, sampleDocument } from '#schema/documents.ts'

type Sample = z.infer<typeof sampleDocument>

/** About 128 MB of strings, which have two bytes for each character. */
const MAX_CHARACTERS = 64e6
/** What a sample takes beside its text. */
const OVERHEAD_CHARACTERS = 200

/** Each answer is traced to all samples of its version, so they are kept in memory. A name always has the same content. */
const known = new LRUCache<string, Sample>({
  maxSize: MAX_CHARACTERS,
  sizeCalculation: ({ prompt, completion }) => prompt.length + completion.length + OVERHEAD_CHARACTERS,
})

/** The prompt and completion of a contribution. @throws ArtifactError when its content is not published or not a sample. */
export async function loadSample(artifacts: Pick<ArtifactStore, 'get'>, contentHash: string): Promise<Sample> {
  const found = known.get(contentHash) ?? (await getDocument(artifacts, sampleDocument, contentHash))
  known.set(contentHash, found)
  return found
}
