import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** A small file system of its own for a folder, so that it can be filled. */
export interface Disk {
  fill(): Promise<() => Promise<void>>
  unmount(): void
}

const SIZE = '96m'
const CHUNK = new Uint8Array(1 << 20)
/** The file that takes the free space. */
const FILLER = 'filler'

/** Mounts a file system at `folder`; undefined where this user may not. */
export function mountDisk(folder: string): Disk | undefined {
  mkdirSync(folder, { recursive: true })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE},mode=755`, 'modelcommons-faults', folder], {
      stdio: 'ignore',
    })
  } catch {
    return undefined
  }
  return {
    async fill() {
      const path = join(folder, FILLER)
      const file = await open(path, 'w')
      try {
        for (let size = CHUNK.length; size; ) {
          const written = await file.write(CHUNK, 0, size).then(
            ({ bytesWritten }) => bytesWritten,
            () => 0,
          )
          if (written < size) size >>= 1
        }
      } finally {
        await file.close()
      }
      return () => rm(path, { force: true })
    },
    unmount: () => execFileSync('umount', ['--lazy', folder], { stdio: 'ignore' }),
  }
}
