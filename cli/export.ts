import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ConfigError } from '#config'

export interface ExportOptions {
  /** Where the API answers. */
  url: string
  format: string
  /** A file; the standard output without it. */
  out?: string
  /** A key of the API, where it asks for one. */
  key?: string
}

const FORMATS = ['csv', 'jsonl']

/** Writes all rows of the query's one list. @throws ConfigError with the API's reason when it refuses, or when the rows break off: then no file is
 *  left that could be taken for the whole. */
export async function exportRows(query: string, { url, format, out, key }: ExportOptions): Promise<void> {
  if (!FORMATS.includes(format)) throw new ConfigError(`--format: ${format} is none of ${FORMATS.join(', ')}.`)
  const response = await fetch(`${url.replace(/\/$/, '')}/export.${format}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
    body: JSON.stringify({ query }),
  }).catch((cause) => {
    throw new ConfigError(`--url: no API answers at ${url}. Start it with \`modelcommons up\`, or correct the URL.`, {
      cause,
    })
  })
  if (!response.ok) {
    const { errors } = (await response.json().catch(() => ({}))) as { errors?: { message: string }[] }
    throw new ConfigError(
      errors?.[0]?.message ?? `--url: ${url} answered ${response.status}. Is it a ModelCommons API?`,
    )
  }
  try {
    await pipeline(Readable.fromWeb(response.body as never), out ? createWriteStream(out) : process.stdout)
  } catch (cause) {
    if (out) await rm(out, { force: true })
    throw new ConfigError('The export broke off before its end. Try again; the API’s log has the reason.', { cause })
  }
}
