import { type FileHandle, open } from 'node:fs/promises'
import { fileError } from './errors.ts'
import { objectPath } from './folder.ts'
import { validName } from './names.ts'
import type { ObjectStore } from './objects.ts'
import { type ArtifactStore, artifactsIn } from './store.ts'
import { VerifiedFiles } from './verifiedFiles.ts'

/** Artifacts in a folder, which are opened in place. */
export function localArtifacts(folder: string, objects: ObjectStore): ArtifactStore {
  const artifacts = artifactsIn(objects)
  const verified = new VerifiedFiles()
  return {
    ...artifacts,
    async open(name): Promise<FileHandle> {
      const file = await open(objectPath(folder, validName(name))).catch(async (cause) => {
        if (cause.code !== 'ENOENT') throw fileError('reading an artifact', cause)
        await artifacts.get(name) // throws the error of a missing artifact, or of a missing folder
        throw fileError('reading an artifact', cause)
      })
      return verified.require(file, name)
    },
  }
}
