import { formatEther } from 'viem'
import * as acts from '#client/node.ts'
import { ConfigError, readConfig } from '#config'
import { DEVELOPMENT_CHAIN } from '../developmentChain.ts'
import { interruptible } from '../interruption.ts'
import { openAccount, stateFileOf } from './accounts.ts'
import { lineOf, plainJson } from './plainText.ts'
import { tellNote, tellProgress } from './tell.ts'

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

/** Runs one act of the account, and prints what came of it. */
export const runAct = (
  options: ActOptions,
  body: (client: acts.Client, all: typeof acts) => Promise<unknown>,
): Promise<void> =>
  interruptible(async (signal) => {
    const client = await connected(options, true, signal)
    try {
      print(await body(client, acts), options)
    } catch (error) {
      if (!(error instanceof acts.DryRunEnd)) throw error
      tellNote(error.message, options)
    }
    if (client.plan) printPlan(client.plan, options)
  })

type Reading = (client: acts.Client, all: typeof acts) => Promise<unknown>

/** Reads something, without an account. */
export const runRead = (options: ActOptions, body: Reading): Promise<void> => answer(options, false, body)

/** Reads what the account has, or must do: nothing is signed, so that a dry run of it would be the same. */
export const runOwnRead = (options: ActOptions, body: Reading): Promise<void> => answer(options, true, body)

const answer = (options: ActOptions, signs: boolean, body: Reading): Promise<void> =>
  interruptible(async (signal) => {
    const { dryRun: _, ...asked } = options
    print(await body(await connected(asked, signs, signal), acts), asked)
  })

/** Computes something from what is given, without the system. */
export const runOffline = async (options: ActOptions, body: (all: typeof acts) => Promise<unknown>): Promise<void> =>
  print(await body(acts), options)

async function connected(options: ActOptions, signs: boolean, signal: AbortSignal): Promise<acts.Client> {
  const config = readConfig(process.env, { requireDeployment: false, signs: false })
  const client = await acts.connect(options.api ?? config.apiUrl, {
    ...(signs && { account: await openAccount(config, options.account) }),
    ...{ node: options.node, apiKey: config.apiKey, dryRun: options.dryRun, relay: options.relay, signal },
    state: acts.fileState(stateFileOf(config)),
    patienceMs: PATIENCE_MS,
    onProgress: (progress) => tellProgress(progress, options),
  })
  // Where nobody mines, no block becomes final.
  const doneWhen = options.wait ?? (client.deployment.chainId === DEVELOPMENT_CHAIN ? 'indexed' : 'final')
  return { ...client, doneWhen }
}

function print(result: unknown, { json, dryRun }: ActOptions): void {
  if (dryRun) return
  if (json) {
    console.log(JSON.stringify(result ?? {}, plainJson))
    return
  }
  const rows = Array.isArray(result) ? result : [result ?? 'Done.']
  for (const row of rows) console.log(typeof row === 'object' ? lineOf(row) : String(row))
  if (rows.length === 0) console.log('Nothing.')
}

function printPlan(plan: readonly acts.PlannedStep[], { json }: ActOptions): void {
  if (json) {
    console.log(JSON.stringify({ plan }, plainJson))
    return
  }
  for (const { step, args, value, cost } of plan) {
    const paid = value ? `  sends ${formatEther(value)}` : ''
    const gas = cost === undefined ? 'gas unknown until the step before is sent' : `gas at most ${formatEther(cost)}`
    console.log(`${step}(${JSON.stringify(args, plainJson).slice(1, -1)})${paid}  ${gas}`)
  }
  const sent = plan.reduce((sum, { value }) => sum + value, 0n)
  const gas = plan.reduce((sum, { cost }) => sum + (cost ?? 0n), 0n)
  const open = plan.some(({ cost }) => cost === undefined) ? ', and what is unknown yet' : ''
  if (plan.length > 1)
    console.log(
      `In all: ${formatEther(sent)} native tokens are sent, and gas costs at most ${formatEther(gas)}${open}.`,
    )
  console.log('Nothing was signed or sent.')
}

/** @throws ConfigError unless the text is JSON. */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ConfigError(`${what} is not JSON: ${(cause as Error).message}.`, { cause })
  }
}
