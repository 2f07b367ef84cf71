import { readdir, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import { objectPath } from './folder.ts'

/** A file occupies whole blocks. */
const BLOCK = 4096
/** After eviction the folder has this part of its limit. */
const KEPT = 0.8
/** The folder is measured again after this part of its limit was added: other processes add, too. */
const MEASURED_PART = 1 / 20
/** The time of last use of a file is written at most this often. */
const TOUCH_MS = 3_600_000
/** Older temporary files were left by processes that were killed. */
const ABANDONED_MS = 3_600_000

/** A folder of at most about `maxBytes`: when it has more, the files that were not used for longest are deleted. Several processes may use it. */
export class CacheFolder {
  private readonly touched = new LRUCache<string, true>({ max: 200_000, ttl: TOUCH_MS })
  private unmeasured = Number.POSITIVE_INFINITY
  private evicting: Promise<void> | undefined

  constructor(
    private readonly folder: string,
    private readonly maxBytes: number,
  ) {}

  path(name: string): string {
    return objectPath(this.folder, name)
  }

  /** Notes the use of a file. */
  async touch(name: string): Promise<void> {
    if (this.touched.has(name)) return
    this.touched.set(name, true)
    const now = new Date()
    await utimes(this.path(name), now, now).catch(() => {})
  }

  /** Notes that a file of so many bytes was added. Eviction runs in the background. */
  added(name: string, bytes: number): void {
    this.touched.set(name, true)
    this.unmeasured += occupied(bytes)
    if (this.unmeasured < this.maxBytes * MEASURED_PART) return
    this.unmeasured = 0
    this.evicting ??= this.evict().finally(() => {
      this.evicting = undefined
    })
  }

  /** Resolves when no eviction runs. */
  async settled(): Promise<void> {
    await this.evicting
  }

  private async evict(): Promise<void> {
    const files: { path: string; bytes: number; usedAt: number }[] = []
    for (const entry of await readdir(this.folder, { recursive: true, withFileTypes: true }).catch(() => [])) {
      const path = join(entry.parentPath, entry.name)
      const found = entry.isFile() && (await stat(path).catch(() => undefined))
      if (!found) continue
      if (entry.name.endsWith('.part') && Date.now() - found.mtimeMs > ABANDONED_MS) await remove(path)
      else files.push({ path, bytes: occupied(found.size), usedAt: found.mtimeMs })
    }
    let total = files.reduce((sum, { bytes }) => sum + bytes, 0)
    if (total <= this.maxBytes) return
    files.sort((a, b) => a.usedAt - b.usedAt)
    for (const { path, bytes } of files) {
      if (total <= this.maxBytes * KEPT) return
      if (path.endsWith('.part')) continue
      await remove(path)
      total -= bytes
    }
  }
}

/** A file that cannot be deleted is left to the next eviction. */
const remove = (path: string) => rm(path, { force: true }).catch(() => {})

const occupied = (bytes: number) => Math.ceil((bytes + 1) / BLOCK) * BLOCK
