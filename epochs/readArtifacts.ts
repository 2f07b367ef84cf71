import { ArtifactError } from '#schema/artifacts/index.ts'
import { MAX_DOCUMENT_BYTES } from '#schema/documents.ts'
import type { FactSources } from './epochSources.ts'

/** The bytes of an artifact; undefined for one that counts as absent. @throws ArtifactError for one with more than `maxBytes` */
export type ArtifactReader = (name: string, maxBytes?: number) => Promise<Uint8Array | undefined>

/** Reads artifacts. */
export const readerOf =
  (artifacts: FactSources['artifacts']): ((...of: Parameters<ArtifactReader>) => Promise<Uint8Array>) =>
  (name, maxBytes) =>
    artifacts.get(name, { maxBytes })

/** Reads artifacts; those of `absent` by `readAbsent`, which finds none by default. */
export const readerWithout =
  (
    artifacts: FactSources['artifacts'],
    absent: ReadonlySet<string>,
    readAbsent: ArtifactReader = async () => undefined,
  ): ArtifactReader =>
  (name, maxBytes) =>
    absent.has(name) ? readAbsent(name, maxBytes) : artifacts.get(name, { maxBytes })

/** Reads artifacts; one that is not there, or has other bytes, counts as absent. */
export const readIfThere =
  (artifacts: FactSources['artifacts']): ArtifactReader =>
  async (name, maxBytes) => {
    try {
      return await artifacts.get(name, { maxBytes })
    } catch (error) {
      if (error instanceof ArtifactError) return undefined
      throw error
    }
  }

/** Reads what the chain or a map names as a document; one that is too large for a document states nothing. */
export const readDocument = (read: ArtifactReader, name: string, maxBytes = MAX_DOCUMENT_BYTES) =>
  read(name, maxBytes).catch((error): undefined => {
    if (!(error instanceof ArtifactError && error.code === 'tooLarge')) throw error
  })

/** The artifact that a published map names as its document; undefined when it names none. */
export const artifactNamed = (uri: string | null): string | undefined =>
  uri !== null && /^0x[0-9a-f]{64}$/.test(uri) ? uri : undefined
