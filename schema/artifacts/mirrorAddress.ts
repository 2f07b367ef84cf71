import { redactCredentials } from '../redact.ts'
import type { HttpSource } from './httpObjects.ts'
import type { S3Settings } from './s3.ts'

export type MirrorAddress = { http: HttpSource } | { s3: S3Settings }

/** Reads one address of ARTIFACT_MIRRORS: `http(s)://[user:password@]host/folder[?query]`, or
 *  `s3://[key:secret@]bucket[?endpoint=URL&region=NAME&pathStyle=true|false]`, which is read unsigned when it has no key.
 *  @throws RangeError that says what is wrong, without credentials. */
export function mirrorAddress(text: string): MirrorAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return { http: httpSource(url) }
  if (url?.protocol === 's3:') return { s3: s3Settings(url) }
  throw new RangeError(
    `${redactCredentials(text)} is no URL of a mirror: expected https://host/folder or s3://bucket?endpoint=URL`,
  )
}

function httpSource(given: URL): HttpSource {
  const url = new URL(given)
  const { username, password } = decoded(url)
  url.username = ''
  url.password = ''
  url.hash = ''
  if (!username && !password) return { url }
  return { url, authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` }
}

const S3_OPTIONS = new Set(['endpoint', 'region', 'pathStyle'])

function s3Settings(url: URL): S3Settings {
  const { username, password } = decoded(url)
  const fault = (what: string) => new RangeError(`${redactCredentials(url.href)}: ${what}`)
  if (url.pathname.length > 1) throw fault('a mirror is a whole bucket: remove the path')
  for (const option of url.searchParams.keys())
    if (!S3_OPTIONS.has(option)) throw fault(`unknown option ${option}; known are ${[...S3_OPTIONS].join(', ')}`)
  const endpoint = url.searchParams.get('endpoint') ?? undefined
  if (endpoint !== undefined && !/^https?:\/\//.test(endpoint))
    throw fault('endpoint: expected a URL http:// or https://')
  const pathStyle = url.searchParams.get('pathStyle')
  if (pathStyle !== null && pathStyle !== 'true' && pathStyle !== 'false') throw fault('pathStyle: true or false')
  if (Boolean(username) !== Boolean(password)) throw fault('give both key and secret, or neither for a public bucket')
  return {
    bucket: url.hostname,
    endpoint,
    region: url.searchParams.get('region') ?? 'us-east-1',
    pathStyle: pathStyle === null ? undefined : pathStyle === 'true',
    ...(username ? { accessKeyId: username, secretAccessKey: password } : { anonymous: true }),
  }
}

const decoded = ({ username, password }: URL) => ({
  username: decodeURIComponent(username),
  password: decodeURIComponent(password),
})
