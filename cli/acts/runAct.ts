import * as acts from '#client/node.ts'
import { ConfigError, readConfig } from '#config'
import { DEVELOPMENT_CHAIN } from '../developmentChain.ts'
import { interruptible } from '../interruption.ts'
import { openAccount, stateFileOf } from './accounts.ts'
import { chainTime, withDistances } from './chainTime.ts'
import { lineOf, plainJson } from './plainText.ts'
import { planLines } from './planLines.ts'
import { retryTeller, tellNote, tellProgress } from './tell.ts'

/** What the commands of people have in common. */
export interface ActOptions {
  account: string
  api?: string
  node?: string
  json?: boolean
  dryRun?: boolean
  wait?: acts.DoneWhen
  relay?: boolean
}

/** For how long an act waits for an API that is away. It can be asked for again at any time. */
const PATIENCE_MS = 15_000

type Body<Result> = (client: acts.Client, all: typeof acts) => Promise<Result>

/** Runs one act of the account, and prints what came of it: what `done` says, where the act returns nothing. */
export function runAct(options: ActOptions, body: Body<object | string>): Promise<void>
export function runAct(options: ActOptions, body: Body<void>, done: (all: typeof acts) => string): Promise<void>
export function runAct(options: ActOptions, body: Body<unknown>, done?: (all: typeof acts) => string): Promise<void> {
  return interruptible(async (signal) => {
    const sent: string[] = []
    const client = await connected(options, true, signal, sent)
    try {
      await print(client, await body(client, acts), options, done?.(acts))
    } catch (error) {
      if (signal.aborted) {
        tellNote(goesOnText('Interrupted', sent), options)
        throw signal.reason
      }
      if (error instanceof acts.UnavailableError) tellNote(goesOnText('It ended', sent), options)
      if (!(error instanceof acts.DryRunEnd)) throw await withTimes(error, client)
      tellNote(error.message, options)
    }
    if (!client.plan) return
    if (options.json) console.log(JSON.stringify({ plan: client.plan }, plainJson))
    else for (const line of planLines(client, client.plan)) console.log(line)
  })
}

/** Reads something, without an account. */
export const runRead = (options: ActOptions, body: Body<unknown>): Promise<void> => answer(options, false, body)

/** Reads what the account has, or must do: nothing is signed, so that a dry run of it would be the same. */
export const runOwnRead = (options: ActOptions, body: Body<unknown>): Promise<void> => answer(options, true, body)

const answer = (options: ActOptions, signs: boolean, body: Body<unknown>): Promise<void> =>
  interruptible(async (signal) => {
    const { dryRun: _, ...asked } = options
    const client = await connected(asked, signs, signal)
    await print(client, await body(client, acts), asked)
  })

/** Computes something from what is given, without the system. */
export const runOffline = async (options: ActOptions, body: (all: typeof acts) => Promise<unknown>): Promise<void> =>
  print(undefined, await body(acts), options)

/** What a command that ended before its end has done, and how it goes on. */
const goesOnText = (ended: string, sent: readonly string[]): string =>
  `${ended}. ${sent.length > 0 ? `Transactions so far: ${sent.join(', ')}.` : 'No transaction was sent.'} Run the same command again: it goes on where it ended, and sends nothing twice.`

/** `sent`: where the transactions are noted. */
async function connected(
  options: ActOptions,
  signs: boolean,
  signal: AbortSignal,
  sent: string[] = [],
): Promise<acts.Client> {
  const config = readConfig(process.env, { requireDeployment: false, signs: false })
  const client = await acts.connect(options.api ?? config.apiUrl, {
    ...(signs && { account: await openAccount(config, options.account) }),
    ...{ node: options.node, apiKey: config.apiKey, dryRun: options.dryRun, relay: options.relay, signal },
    state: acts.fileState(stateFileOf(config)),
    patienceMs: PATIENCE_MS,
    onRetry: retryTeller(options),
    onProgress: (progress) => {
      if (progress.hash) sent.push(progress.step)
      if (!options.dryRun) tellProgress(progress, options) // what is only tried goes nowhere
    },
  })
  // Where nobody mines, no block becomes final.
  const doneWhen = options.wait ?? (client.deployment.chainId === DEVELOPMENT_CHAIN ? 'indexed' : 'final')
  return { ...client, doneWhen }
}

/** `done`: what is said instead of nothing. */
async function print(
  client: acts.Client | undefined,
  result: unknown,
  { json, dryRun }: ActOptions,
  done?: string,
): Promise<void> {
  if (dryRun && typeof result !== 'string') return
  if (json) return console.log(JSON.stringify(result ?? {}, plainJson))
  const now = client && (await chainTime(client))
  const rows = Array.isArray(result) ? result : [result ?? done]
  for (const row of rows) console.log(typeof row === 'object' ? lineOf(row, now) : withDistances(String(row), now))
  if (rows.length === 0) console.log('Nothing.')
}

/** A refusal may tell from when on it is none. */
async function withTimes(error: unknown, client: acts.Client): Promise<unknown> {
  if (error instanceof acts.ContractRefusal) error.message = withDistances(error.message, await chainTime(client))
  return error
}

/** @throws ConfigError unless the text is JSON. */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ConfigError(`${what} is not JSON: ${(cause as Error).message}.`, { cause })
  }
}
