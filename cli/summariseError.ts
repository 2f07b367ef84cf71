import { fileURLToPath } from 'node:url'
import { redactCredentials } from '#schema/redact.ts'

/** What a log line has of an error. Errors of clients of nodes and stores carry whole request bodies and ABIs in their messages and their
 *  properties: one failure must not fill the log, and no credential may reach it. */
export interface ErrorSummary {
  type: string
  message: string
  code?: string | number
  /** From the top, without the message. */
  stack?: string[]
  causes?: Omit<ErrorSummary, 'stack' | 'causes'>[]
}

/** As JSON, in UTF-16 units. */
export const MAX_SUMMARY = 2_000
const MAX_MESSAGE = 500
const MAX_TYPE = 60
const MAX_CAUSES = 4
const MAX_FRAMES = 6
const MAX_FRAME = 120
const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Sums an error up within `MAX_SUMMARY`. Never throws, whatever the error's properties do. */
export function summariseError(error: unknown): ErrorSummary {
  const summary: ErrorSummary = oneLevel(error)
  const causes = causesOf(error).map(oneLevel)
  if (causes.length) summary.causes = causes
  const stack = framesOf(error)
  if (stack.length) summary.stack = stack
  // What helps least goes first.
  while (summary.stack?.length && size(summary) > MAX_SUMMARY) summary.stack.pop()
  while (summary.causes?.length && size(summary) > MAX_SUMMARY) summary.causes.pop()
  for (let room = MAX_MESSAGE; size(summary) > MAX_SUMMARY; room = Math.floor(room / 2))
    summary.message = cut(summary.message, room) // characters that JSON escapes take up to six
  return summary
}

const size = (summary: ErrorSummary) => JSON.stringify(summary).length

function oneLevel(error: unknown): Omit<ErrorSummary, 'stack' | 'causes'> {
  const code = read(error, 'code')
  return {
    type: cut(typeOf(error), MAX_TYPE),
    message: cut(redactCredentials(messageOf(error)), MAX_MESSAGE),
    ...(typeof code === 'number' && { code }),
    ...(typeof code === 'string' && { code: cut(code, MAX_TYPE) }),
  }
}

/** `shortMessage` is what viem says without the request; `reason` is the revert's. Only the first lines of any other message are read. */
function messageOf(error: unknown): string {
  if (typeof error === 'string') return error.slice(0, 4 * MAX_MESSAGE)
  const short = read(error, 'shortMessage')
  const text = typeof short === 'string' && short ? short : read(error, 'message')
  if (typeof text !== 'string') return typeof error === 'object' ? 'an error without a message' : printed(error)
  const custom = read(read(error, 'data'), 'errorName')
  return text.slice(0, 4 * MAX_MESSAGE) + (typeof custom === 'string' ? ` (${custom})` : '')
}

function printed(value: unknown): string {
  try {
    return String(value)
  } catch {
    return typeof value
  }
}

function typeOf(error: unknown): string {
  const name = read(error, 'name')
  if (typeof name === 'string' && name) return name
  const constructed = read(read(error, 'constructor'), 'name')
  return typeof constructed === 'string' && constructed ? constructed : typeof error
}

/** The chain of causes, and the members of an AggregateError, each once. */
function causesOf(error: unknown): unknown[] {
  const found: unknown[] = []
  const seen = new Set<unknown>([error])
  let current = error
  while (found.length < MAX_CAUSES) {
    const members = read(current, 'errors')
    const next = read(current, 'cause') ?? (Array.isArray(members) ? members[0] : undefined)
    if (next === undefined || next === null || seen.has(next)) break
    seen.add(next)
    found.push(next)
    current = next
  }
  return found
}

function framesOf(error: unknown): string[] {
  const stack = read(error, 'stack')
  if (typeof stack !== 'string') return []
  const frames: string[] = []
  // The message stands before the frames and may be long.
  for (
    let at = stack.indexOf('\n    at ');
    at >= 0 && frames.length < MAX_FRAMES;
    at = stack.indexOf('\n    at ', at + 1)
  ) {
    const line = stack.slice(at + 8, at + 8 + 4 * MAX_FRAME).split('\n')[0] ?? ''
    frames.push(cut(line.replace(ROOT, '').replace('file://', ''), MAX_FRAME))
  }
  return frames
}

function read(from: unknown, key: string): unknown {
  if (typeof from !== 'object' && typeof from !== 'function') return undefined
  try {
    return (from as Record<string, unknown> | null)?.[key]
  } catch {
    return undefined // a getter or a proxy that throws
  }
}

const cut = (text: string, length: number) => (text.length > length ? `${text.slice(0, length - 1)}…` : text)
