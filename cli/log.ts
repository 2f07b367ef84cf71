import { destination, type Logger, pino } from 'pino'
import type { Config } from '#config'

/** Structured logs, one JSON object a line, on standard error: standard output belongs to the command. */
export const openLog = (name: string, { logLevel }: Pick<Config, 'logLevel'>): Logger =>
  pino({ name, level: logLevel, base: { service: name } }, destination({ dest: 2, sync: true }))
