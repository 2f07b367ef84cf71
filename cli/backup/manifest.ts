import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { ConfigError } from '#config'
import { listIssues } from '../explain.ts'

/** The form of a backup: a folder with these files. The folder gets its name when everything in it is complete. */
export const MANIFEST = 'manifest.json'
export const DATABASE = 'database'
export const OBJECTS = 'objects'
export const CHAIN = 'chain'
export const DEPLOYMENT = 'deployment.json'

/** The version of this form. */
export const FORM = 1

const File = z.object({ path: z.string(), bytes: z.number().int(), sha256: z.string() })

const shape = z.object({
  form: z.literal(FORM, `expected ${FORM}: this release reads no other form of backups`),
  /** The release that wrote it. */
  release: z.string(),
  /** The database's time of the snapshot. */
  takenAt: z.string(),
  chainId: z.number().int().nullable(),
  /** The last indexed block. */
  block: z.number().int().nullable(),
  /** The state root of that block. */
  stateRoot: z.string().nullable(),
  /** All migrations of the database, oldest first. */
  migrations: z.array(z.string()),
  tables: z.array(z.object({ name: z.string(), columns: z.array(z.string()), rows: z.number().int(), file: File })),
  /** The keys of the objects (artifacts and checkpoints) and their sizes, in the order of the keys. */
  objects: z.array(z.object({ key: z.string(), bytes: z.number().int() })),
  /** Whether the objects are in the backup, or only listed. */
  objectsIncluded: z.boolean(),
  /** The other files: the deployment, the state of an embedded chain. */
  files: z.array(File),
})

export type BackupManifest = z.infer<typeof shape>
export type BackupFile = z.infer<typeof File>

/** Reads the manifest of a backup and checks every file that it names. @throws ConfigError that says what is missing or damaged. */
export async function readBackup(folder: string): Promise<BackupManifest> {
  const text = await readFile(join(folder, MANIFEST), 'utf8').catch((cause) => {
    throw new ConfigError(
      `${folder} is not a complete backup: it has no ${MANIFEST}. Name a folder of \`modelcommons backup\`.`,
      {
        cause,
      },
    )
  })
  let manifest: BackupManifest
  try {
    manifest = shape.parse(JSON.parse(text))
  } catch (cause) {
    const why = cause instanceof z.ZodError ? listIssues(cause.issues) : (cause as Error).message
    throw new ConfigError(`The manifest of ${folder} cannot be used (${why}).`, { cause })
  }
  for (const file of [...manifest.tables.map((table) => table.file), ...manifest.files]) {
    const found = await describeFile(folder, file.path).catch(() => undefined)
    if (found?.sha256 !== file.sha256) throw damaged(folder, file.path)
  }
  return manifest
}

export const damaged = (folder: string, path: string) =>
  new ConfigError(`The backup ${folder} is damaged: ${path} is missing or was changed. Use another backup.`)

export async function describeFile(folder: string, path: string): Promise<BackupFile> {
  const hash = createHash('sha256')
  for await (const part of createReadStream(join(folder, path), { highWaterMark: 1 << 20 })) hash.update(part)
  return { path, bytes: (await stat(join(folder, path))).size, sha256: hash.digest('hex') }
}
