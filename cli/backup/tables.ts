import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { StringDecoder } from 'node:string_decoder'
import { to as copyTo } from 'pg-copy-streams'
import { copyInto } from '#indexer/store/copy.ts'
import type { Sql } from '#schema/database.ts'
import { type BackupManifest, DATABASE, describeFile } from './manifest.ts'

/** The rows of the database as files, in PostgreSQL's text form of COPY. It needs no program of PostgreSQL, and works between its versions. */

type Table = BackupManifest['tables'][number]

/** Writes all tables of the schema `public`, in the snapshot of `sql`. The queue's tables are not written: the workers fill the queue again. */
export async function dumpTables(sql: Sql, folder: string): Promise<Table[]> {
  await mkdir(join(folder, DATABASE), { recursive: true })
  const { rows } = await sql.query<{ name: string; columns: string[] }>(`
    select c.relname as name, array_agg(a.attname::text order by a.attnum) as columns
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' group by 1 order by 1`)
  const tables: Table[] = []
  for (const { name, columns } of rows) {
    const path = `${DATABASE}/${name}.copy`
    let lines = 0
    const copy: unknown = sql.query(copyTo(`copy "${name}" (${quoted(columns)}) to stdout`) as never) // a stream that pg reads into
    await pipeline(
      copy as Readable,
      async function* (parts: AsyncIterable<Buffer>) {
        for await (const part of parts) {
          for (let at = part.indexOf(LINE_END); at !== -1; at = part.indexOf(LINE_END, at + 1)) lines++
          yield part
        }
      },
      createWriteStream(join(folder, path)),
    )
    tables.push({ name, columns, rows: lines, file: await describeFile(folder, path) })
  }
  return tables
}

const LINE_END = 0x0a
const quoted = (columns: readonly string[]) => columns.map((column) => `"${column}"`).join(', ')
const READ_BYTES = 4 << 20

/** Copies the rows of one table inside the transaction of `sql`, without its triggers: they judged these rows when they were written. */
export async function loadTable(sql: Sql, folder: string, { name, columns, file }: Table): Promise<void> {
  await sql.query(`alter table "${name}" disable trigger user`)
  const decoder = new StringDecoder('utf8')
  let rest = ''
  for await (const part of createReadStream(join(folder, file.path), { highWaterMark: READ_BYTES })) {
    const text = rest + decoder.write(part)
    const end = text.lastIndexOf('\n') + 1 // line ends inside of values are escaped
    if (end) await copyInto(sql, name, columns, [text.slice(0, end)])
    rest = text.slice(end)
  }
  await sql.query(`alter table "${name}" enable trigger user`)
}
