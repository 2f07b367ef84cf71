import { readdir, readFile } from 'node:fs/promises'
import { concat, keccak256, stringToBytes } from 'viem'

const rules = new URL('../rules/', import.meta.url)

/** Identifies the version of the rules: keccak256 over the source files of `rules/`, sorted by name. */
export async function codeHash(): Promise<`0x${string}`> {
  const files = (await readdir(rules)).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts')).sort()
  const parts = await Promise.all(
    files.map(async (file) => [stringToBytes(`${file}\n`), new Uint8Array(await readFile(new URL(file, rules)))]),
  )
  return keccak256(concat(parts.flat()))
}
