import type { FileHandle } from 'node:fs/promises'
import { LRUCache } from 'lru-cache'
import { nameOfFile, requireName } from './names.ts'

const MAX_FILES = 10_000

/** Remembers which files had the content that their artifacts' names say, so that a large file is not hashed at each use. A file that changed
 *  since is hashed again. */
export class VerifiedFiles {
  private readonly known = new LRUCache<string, string>({ max: MAX_FILES })

  /** Returns `file`. When its content does not have the name, closes it. @throws ArtifactError */
  async require(file: FileHandle, name: string): Promise<FileHandle> {
    try {
      const { ino, size, mtimeMs } = await file.stat()
      const version = `${ino} ${size} ${mtimeMs}`
      if (this.known.get(name) === version) return file
      requireName(name, await nameOfFile(file))
      this.known.set(name, version)
      return file
    } catch (error) {
      await file.close()
      throw error
    }
  }
}
