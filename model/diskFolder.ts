import { open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { FolderFiles } from './folderFiles.ts'

/** The files of a folder on this machine. */
export function diskFolder(path: string): FolderFiles {
  const unlessMissing = (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? undefined : Promise.reject(error))
  return {
    path,
    list: () =>
      readdir(path, { recursive: true }).then(
        (files) => files.map((file) => file.replaceAll('\\', '/')),
        () => undefined,
      ),
    async size(file) {
      const found = await stat(join(path, file)).catch(unlessMissing) // also of a link, as in Hugging Face's cache
      return found?.isFile() ? found.size : undefined
    },
    read: (file, start, end) =>
      (end === undefined ? readFile(join(path, file)) : readPart(join(path, file), start ?? 0, end)).catch(
        unlessMissing,
      ),
  }
}

async function readPart(path: string, start: number, end: number): Promise<Uint8Array> {
  const file = await open(path)
  try {
    const bytes = Buffer.alloc(end - start)
    const { bytesRead } = await file.read(bytes, 0, bytes.length, start)
    return bytes.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}
