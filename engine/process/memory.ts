import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

const PAGE = 4096

/** Resident memory of another process in bytes; 0 where /proc does not exist. */
export async function memoryOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/statm`, 'utf8').catch(() => '')
  return Number(text.split(' ')[1] ?? 0) * PAGE
}

/** Where Linux counts the processes that it killed for memory: in this container's group, and on the whole host.
 *  https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files */
const KILL_COUNTS = ['/sys/fs/cgroup/memory.events', '/proc/vmstat']

/** How many processes the kernel has killed for memory so far; 0 where it does not say. */
export function outOfMemoryKills(): number {
  for (const path of KILL_COUNTS)
    try {
      const count = /^oom_kill (\d+)$/m.exec(readFileSync(path, 'utf8'))?.[1]
      if (count !== undefined) return Number(count)
    } catch {
      // not Linux, or another version of control groups
    }
  return 0
}
