import { destination, type Logger, pino } from 'pino'
import type { Config } from '#config'
import { redactCredentials } from '#schema/redact.ts'
import { summariseError } from './summariseError.ts'

/** No text of a log line is longer. */
const MAX_TEXT = 2_000

const concise = (key: string, value: unknown): unknown => {
  if (value instanceof Error || (key === 'err' && value)) return summariseError(value)
  if (typeof value !== 'string') return value
  return redactCredentials(value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value)
}
const conciseFields = (fields: object) =>
  Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, concise(key, value)]))

/** Structured logs, one JSON object a line, on standard error: standard output belongs to the command. */
export const openLog = (name: string, { logLevel }: Pick<Config, 'logLevel'>): Logger =>
  pino(
    {
      name,
      level: logLevel,
      base: { service: name },
      hooks: {
        logMethod([given, ...rest], method) {
          const thrown = given as unknown
          const fields = thrown instanceof Error ? { err: thrown } : given
          // Without a text pino takes the error's whole message.
          if (rest[0] === undefined && typeof fields === 'object' && fields && 'err' in fields)
            return method.call(this, conciseFields(fields), summariseError(fields.err).message)
          method.apply(this, [
            typeof fields === 'object' && fields ? conciseFields(fields) : concise('', fields),
            ...rest,
          ] as never)
        },
      },
      serializers: { err: (summary) => summary }, // or pino would add all of the error's properties
    },
    destination({ dest: 2, sync: true }),
  )
