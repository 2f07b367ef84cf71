import { link, mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Config, ConfigError } from '#config'
import { newSealKey, type SealKeys } from '#schema/journal/seal.ts'

type KeyConfig = Pick<Config, 'home' | 'journalKeys'>

/** The file of the keys that nobody has set: one on a line, the newest first. */
export const journalKeyFile = ({ home }: Pick<Config, 'home'>) => join(home, 'journal.key')

/** The keys of the journal of answers: those of JOURNAL_KEY, or else those of a file in the home folder, which is created with a new key.
 *  @throws ConfigError */
export async function journalKeys(config: KeyConfig): Promise<SealKeys> {
  if (config.journalKeys) return keysOf(config.journalKeys, 'JOURNAL_KEY')
  const file = journalKeyFile(config)
  const text = (await readFile(file, 'utf8').catch(() => undefined)) ?? (await createKeyFile(file))
  return keysOf(text.split('\n').filter(Boolean), file)
}

function keysOf(lines: readonly string[], where: string): SealKeys {
  const [first, ...others] = lines.map((line) => {
    if (!/^[0-9a-fA-F]{64}$/.test(line)) throw new ConfigError(`${where}: expected keys of 64 hex digits.`)
    return Buffer.from(line, 'hex')
  })
  if (!first)
    throw new ConfigError(`${where}: has no key. Restore it from a copy, or delete it if nothing was answered yet.`)
  return [first, ...others]
}

/** Two processes that start at once use one key: the file is complete when it has its name, and the first one stays. */
async function createKeyFile(file: string): Promise<string> {
  await mkdir(join(file, '..'), { recursive: true })
  const part = `${file}.${process.pid}.part`
  const handle = await open(part, 'w', 0o600)
  try {
    await handle.writeFile(`${newSealKey().toString('hex')}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await link(part, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  await rm(part, { force: true })
  return readFile(file, 'utf8')
}
