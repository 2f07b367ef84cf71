import type { z } from 'zod'
import { fieldAt } from './fields.ts'

type Issue = z.core.$ZodIssue

interface IssueText {
  path: readonly PropertyKey[]
  message: string
}

/** What zod found wrong, as sentences for whoever wrote the file. */
export function issueText(issue: Issue, shape: z.ZodType, value: unknown): IssueText[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: [...issue.path, key], message: unknownKey(key, issue.path, shape) }))
  return [{ path: issue.path, message: `${nameOf(issue.path)} ${problem(issue, shape, valueAt(value, issue.path))}.` }]
}

const nameOf = (path: readonly PropertyKey[]) => path.map(String).join('.') || 'the file'

function problem(issue: Issue, shape: z.ZodType, found: unknown): string {
  if (found === undefined && issue.path.length > 0) {
    const { description } = fieldAt(shape, issue.path) ?? {}
    return `is missing${description ? `: ${description.replace(/\.$/, '')}` : ''}`
  }
  switch (issue.code) {
    case 'invalid_type':
      return issue.message.startsWith('must')
        ? issue.message
        : `must be ${article(issue.expected)}, not ${kindOf(found)}`
    case 'invalid_value':
      return issue.message.startsWith('must')
        ? issue.message
        : `must be one of ${issue.values.map(String).join(', ')}, not ${JSON.stringify(found)}`
    case 'too_small':
      return tooFew(issue.origin, issue.minimum)
    case 'too_big':
      return `must be at most ${issue.maximum}${unitOf(issue.origin)}, not ${typeof found === 'string' ? found.length : Array.isArray(found) ? found.length : String(found)}`
    default:
      return issue.message
  }
}

const tooFew = (origin: string, minimum: number | bigint) =>
  (origin === 'string' || origin === 'array') && minimum === 1 ? 'must not be empty' : `must be at least ${minimum}`

const unitOf = (origin: string) => (origin === 'string' ? ' characters' : origin === 'array' ? ' long' : '')

const ARTICLES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a map of keys',
  array: 'a list',
}
const article = (expected: string) => ARTICLES[expected] ?? expected

function kindOf(found: unknown): string {
  if (found === null) return 'empty'
  if (Array.isArray(found)) return 'a list'
  if (typeof found === 'object') return 'a map of keys'
  return JSON.stringify(found)?.slice(0, 60) ?? typeof found
}

const valueAt = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce((at, step) => (at as Record<PropertyKey, unknown> | null | undefined)?.[step], value)

function unknownKey(key: string, path: readonly PropertyKey[], shape: z.ZodType): string {
  const known = Object.keys((fieldAt(shape, path)?.schema as Partial<z.ZodObject> | undefined)?.shape ?? {})
  const near = known.find((one) => isNear(one.toLowerCase(), key.toLowerCase()))
  const advice = near ? `Did you mean ${near}?` : `Known here: ${known.join(', ')}.`
  return `${nameOf([...path, key])} is no key of this format. ${advice}`
}

/** Whether one letter more, less or other, or two exchanged, make one of the other. */
function isNear(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false
  let start = 0
  while (start < a.length && a[start] === b[start]) start++
  let end = 0
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++
  const [left, right] = [a.slice(start, a.length - end), b.slice(start, b.length - end)]
  return left.length <= 1 && right.length <= 1 ? true : left.length === 2 && left === [...right].reverse().join('')
}
