import { open, rm } from 'node:fs/promises'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { ConfigError, readConfig } from '#config'
import { RetriableError } from '#schema/errors.ts'

export interface ExportOptions {
  /** The URL of the API. Default: that of the configuration, as for `key`. */
  url?: string
  format: 'csv' | 'jsonl'
  /** The file to write; standard output by default. */
  out?: string
  /** An API key, if the API requires one. */
  key?: string
}

/** Writes all rows of the one list of a query. @throws ConfigError with the API's reason when it refuses, or when the file cannot be written;
 *  RetriableError when the answer breaks off. The incomplete file is deleted. */
export async function exportRows(query: string, { format, out, ...access }: ExportOptions): Promise<void> {
  const config = readConfig(process.env, { requireDeployment: false, signs: false })
  const { url = config.apiUrl, key = config.apiKey } = access
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
  const body = response.body as ReadableStream
  if (!out) return copyRows(body, process.stdout)
  const file = await open(out, 'w').catch(async (cause: Error) => {
    await body.cancel().catch(() => {})
    throw cannotWrite(out, cause)
  })
  const isFile = (await file.stat()).isFile()
  try {
    await copyRows(body, file.createWriteStream())
  } catch (cause) {
    if (isFile) await rm(out, { force: true })
    const { code, syscall } = cause as NodeJS.ErrnoException
    if (syscall === 'write' && code) throw cannotWrite(out, cause as Error)
    throw cause
  }
}

const cannotWrite = (out: string, cause: Error) =>
  new ConfigError(`--out: cannot write ${out} (${cause.message}). Name a file in a folder that exists and has space.`, {
    cause,
  })

async function copyRows(body: ReadableStream, to: Writable): Promise<void> {
  const rows = Readable.fromWeb(body)
  let broken: Error | undefined
  rows.once('error', (error) => {
    broken = error
  })
  try {
    await pipeline(rows, to)
  } catch (cause) {
    if (broken !== cause) throw cause
    throw new RetriableError('The export broke off before its end. Try again; the reason is in the log of the API.', {
      cause,
    })
  }
}
