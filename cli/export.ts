import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { ConfigError } from '#config'
import { RetriableError } from '#schema/errors.ts'

export interface ExportOptions {
  /** The URL of the API. */
  url: string
  format: string
  /** The file to write; standard output by default. */
  out?: string
  /** An API key, if the API requires one. */
  key?: string
}

const FORMATS = ['csv', 'jsonl']

/** Writes all rows of the one list of a query. @throws ConfigError with the API's reason when it refuses; RetriableError when the answer breaks
 *  off: the incomplete file is deleted. */
export async function exportRows(query: string, { url, format, out, key }: ExportOptions): Promise<void> {
  if (!FORMATS.includes(format)) throw new ConfigError(`--format: ${format} is not one of ${FORMATS.join(', ')}.`)
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
    await pipeline(Readable.fromWeb(response.body as ReadableStream), out ? createWriteStream(out) : process.stdout)
  } catch (cause) {
    if (out) await rm(out, { force: true })
    throw new RetriableError('The export broke off before its end. Try again; the reason is in the log of the API.', {
      cause,
    })
  }
}
