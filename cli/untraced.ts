import { ConfigError, readConfig } from '#config'
import { giveUpTracing, untracedAnswers } from '#workers/untraced.ts'
import { withDatabase } from './withDatabase.ts'

/** `modelcommons untraced`: the answers that keep their epoch open, because they could not be traced to contributions. */

const onDatabase = <T>(work: Parameters<typeof withDatabase<T>>[1]) =>
  withDatabase(readConfig(process.env, { requireDeployment: false }), work)

/** Prints them, the oldest first, one on a line. */
export async function listUntraced(): Promise<void> {
  const answers = await onDatabase(untracedAnswers)
  for (const { receiptId, jobId, answeredAt, code, message } of answers)
    console.log([receiptId, answeredAt.toISOString(), `job ${jobId}`, `${code}: ${message}`].join('  '))
  if (answers.length === 0) console.log('Every answer is traced, or is being traced.')
}

/** Lets their epoch close without the named answers, or without all of them. */
export async function giveUp(receipts: string[], { all = false }: { all?: boolean }): Promise<void> {
  if (receipts.length > 0 === all)
    throw new ConfigError('Name the answers, or give all up with --all. `modelcommons untraced list` shows them.')
  const given = await onDatabase(async (db) =>
    giveUpTracing(db, all ? (await untracedAnswers(db)).map(({ receiptId }) => receiptId) : receipts),
  )
  for (const id of given) console.log(`${id}  given up: its contributors' part goes to the others`)
  const unknown = receipts.filter((id) => !given.includes(id))
  for (const id of unknown) console.error(`${id}  is no such answer: \`modelcommons untraced list\` shows them`)
  if (given.length + unknown.length === 0) console.log('There are no such answers.')
  if (unknown.length > 0) process.exitCode = 1
}
