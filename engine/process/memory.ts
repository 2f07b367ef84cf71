import { readFile } from 'node:fs/promises'

const PAGE = 4096

/** Resident memory of another process in bytes; 0 where /proc does not exist. */
export async function memoryOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/statm`, 'utf8').catch(() => '')
  return Number(text.split(' ')[1] ?? 0) * PAGE
}
