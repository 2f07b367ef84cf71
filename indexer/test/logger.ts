import type { Logger } from '../options.ts'

export interface LogLine {
  level: 'info' | 'warn'
  // biome-ignore lint/suspicious/noExplicitAny: each message has its own details
  details: any
  message: string
}

/** A logger that keeps its lines. */
export function recordingLogger() {
  const all: LogLine[] = []
  const log: Logger = {
    info: (details, message) => void all.push({ level: 'info', details, message }),
    warn: (details, message) => void all.push({ level: 'warn', details, message }),
  }
  return { log, lines: (message: string) => all.filter((line) => line.message === message) }
}
