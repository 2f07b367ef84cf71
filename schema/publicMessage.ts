/** What clients may read of an error. Errors of libraries quote paths of this host, and addresses with passwords or keys in them. */

/** The message without credentials and absolute paths: of a path only the name of the file stays. PostgreSQL stores no NUL, so it goes, too. */
export function publicText(message: string): string {
  return message
    .replaceAll('\0', '')
    .replace(URL_PATTERN, withoutSecrets)
    .replace(WINDOWS_PATH, fileName)
    .replace(POSIX_PATH, (_, before: string, path: string) => before + fileName(path))
    .replace(SECRET, (_, name: string) => `${name}…`)
}

/** One short line for clients, without stack, credentials and paths. */
export function publicMessage(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const [firstLine = ''] = publicText(text).split('\n')
  return firstLine.slice(0, 500)
}

const URL_PATTERN = /\b([a-z][a-z0-9+.-]*):\/\/[^\s"'`<>)\]},;]*/gi

/** The URL without its password and query. The path of a node's address may contain a key, so it goes too; that of a database is its name. */
function withoutSecrets(url: string, scheme: string): string {
  const rest = url.slice(scheme.length + 3)
  if (scheme.toLowerCase() === 'file') return fileName(rest)
  const at = rest.lastIndexOf('@')
  const [user = '', password] = at < 0 ? [] : rest.slice(0, at).split(':', 2)
  const [place = ''] = rest.slice(at + 1).split(/[?#]/, 1)
  const host = place.split('/', 1)[0] ?? ''
  const shown = /^(https?|wss?)$/i.test(scheme) && place.length > host.length ? `${host}/…` : place
  return `${scheme}://${at < 0 ? '' : `${user}${password === undefined ? '' : ':…'}@`}${shown}`
}

/** An absolute path of two parts or more that does not continue a word, a number, or a URL. */
const POSIX_PATH = /(^|[^\w.…/@#-])((?:\/[^\s/"'`<>()[\]{},;:|]+){2,}\/?)/g
const WINDOWS_PATH = /(?:\b[A-Za-z]:|\\\\[^\s\\"']+)\\(?:[^\s\\"'`<>|]+\\?)+/g

const fileName = (path: string) =>
  path
    .replace(/[/\\]+$/, '')
    .split(/[/\\]/)
    .at(-1) ?? ''

/** Values after names that mean a secret: `password=…`, `Authorization: Bearer …`, `X-Amz-Signature=…`. */
const SECRET =
  /((?<!:\/\/)(?:pass(?:word|wd)?|secret|token|api[-_]?key|access[-_]?key(?:[-_]?id)?|signature|credential)["']?\s*[=:]\s*["']?|\b(?:bearer|basic)\s+)[^\s"'&,;]+/gi
