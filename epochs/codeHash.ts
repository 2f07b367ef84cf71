import { readdir, readFile } from 'node:fs/promises'
import { concat, keccak256, stringToBytes } from 'viem'

/** The folders whose code decides a reward map: the rules, the statistics that they use, and how facts are collected. */
const FOLDERS = ['math', 'rules', 'epochs']

/** Identifies the version of the rules: keccak256 over their source files, sorted by path. */
export async function codeHash(): Promise<`0x${string}`> {
  const parts: Uint8Array[] = []
  for (const folder of FOLDERS) {
    const url = new URL(`../${folder}/`, import.meta.url)
    const files = (await readdir(url)).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts')).sort()
    for (const file of files)
      parts.push(stringToBytes(`${folder}/${file}\n`), new Uint8Array(await readFile(new URL(file, url))))
  }
  return keccak256(concat(parts))
}
