import { BaseError } from 'viem'
import {
  type Client,
  ClientError,
  DryRunEnd,
  encodeCall,
  graphql,
  type PlannedStep,
  UnavailableError,
  waitForBlock,
} from '#client/index.ts'
import { randomHex } from '#client/randomHex.ts'
import type { WalletRequest } from '../wallet/guard.ts'
import { walletWords } from '../wallet/network.ts'
import { currentSession } from '../wallet/session.ts'
import type { Ready } from '../wallet/sessionKinds.ts'
import { type ActPlan, type ActWay, currentFlow, type Flow, putFlow } from './flow.ts'
import type { ActInputs, ActName } from './inputs.ts'
import type { ActKind, SignatureAgreement } from './kind.ts'
import { ACTS } from './kinds.ts'
import { type ExpectedSignature, expectedSignatures, relayOffer } from './relayOffer.ts'
import { forgetUnfinished, rememberUnfinished } from './unfinished.ts'
import { type ShownStep, stepOf, stepWords } from './words.ts'

/** From a filled form to the effect in the index: plan, agreement, signatures, progress, end. */

type Input = ActInputs[ActName]
/** What was shown before, as the bytes that a wallet is asked to sign; each once. */
type Shown = string[]

/** Salts of a plan are those of its run, so that what was shown is what is signed. */
let secrets = new Map<string, `0x${string}`>()
const newSecret = (subject: string) => {
  const made = secrets.get(subject) ?? randomHex()
  secrets.set(subject, made)
  return made
}

/** Of the plan; each run may have all of it signed once. */
let planned: Shown = []
let shown: Shown = []
/** What is signed instead of sent, when the plan is relayed. */
let expected: readonly ExpectedSignature[] = []
let awaited: ExpectedSignature[] = []
let agreement: SignatureAgreement | undefined

function ready(): Ready {
  const session = currentSession()
  if (session.kind !== 'ready') throw new ClientError('Connect a wallet first.')
  return session
}

const kindOf = (name: ActName) => ACTS[name] as ActKind<Input>

/** Finds out what an act would sign and send, and what it would cost: nothing is signed. */
export async function planAct(name: ActName, input: Input): Promise<void> {
  const base = { name, given: currentFlow()?.given ?? {} }
  putFlow({ ...base, phase: 'checking' })
  secrets = new Map()
  planned = []
  expected = []
  agreement = undefined
  const steps: PlannedStep[] = []
  try {
    const { client, account, clientFor } = ready()
    if (kindOf(name).apiOnly) return await performAct(name, input)
    agreement = await kindOf(name).agreement?.(clientFor(neverSign), input)
    if (agreement)
      return putFlow({ ...base, phase: 'review', input, plan: { steps: [], gas: 0n, value: 0n, says: agreement.says } })
    const planning: Client = { ...clientFor(neverSign, { newSecret }), plan: steps }
    let rest: string | undefined
    await kindOf(name)
      .run(planning, input)
      .catch((error) => {
        if (!(error instanceof DryRunEnd)) throw error
        rest = 'What comes next depends on this, and is shown before you sign it.'
      })
    if (steps.length === 0 && rest === undefined) return await performAct(name, input)
    planned = steps.map(keyOf)
    expected = expectedSignatures(steps)
    const balance = await client.node.getBalance({ address: account })
    const plan = planOf(steps, rest)
    const relay = relayOffer(name, steps, { relay: client.deployment.relay, balance, gas: plan.gas })
    putFlow({ ...base, phase: 'review', input, plan: { ...plan, relay } })
  } catch (error) {
    putFlow({ ...base, phase: 'form', fault: wordsOf(error) })
  }
}

const neverSign = async () => {
  throw new ClientError('Nothing is signed while a plan is made.')
}

function planOf(steps: readonly PlannedStep[], rest: string | undefined): ActPlan {
  const known = steps.every(({ cost }) => cost !== undefined)
  return {
    steps: steps.map(plannedStep),
    gas: known ? steps.reduce((sum, { cost = 0n }) => sum + cost, 0n) : undefined,
    value: steps.reduce((sum, { value }) => sum + value, 0n),
    rest,
  }
}

function plannedStep({ step, args, value }: PlannedStep): ShownStep {
  const [contract, functionName] = step.split('.') as [never, string | undefined]
  // A signature that nothing on the chain follows.
  if (!functionName) return { words: stepWords(step, args), name: step, detail: String(args) }
  return stepOf({ kind: 'transaction', contract, functionName, args, value })
}

function keyOf({ step, args, value }: PlannedStep): string {
  const [contract, functionName] = step.split('.')
  if (!contract || !functionName) return step
  return `${step}/${encodeCall(contract as never, functionName as never, args as never)}/${value}`
}

const META = graphql('{ _meta { block } }')

/** Signs what was shown, and sends it, or lets it be relayed. An act that was begun before goes on where it ended. */
export async function performAct(name: ActName, input: Input, way: ActWay = {}): Promise<void> {
  const base = { name, given: currentFlow()?.given ?? {} }
  let hash: string | undefined
  const put = (change: Partial<Extract<Flow, { phase: 'running' }>>) => {
    const now = currentFlow()
    const kept = now?.phase === 'running' ? now : { progress: 'Preparing' }
    putFlow({ ...base, ...kept, phase: 'running', input, way, ...change })
  }
  put({ progress: 'Preparing', asking: undefined })
  shown = [...planned]
  awaited = way.relay ? [...expected] : []
  const begun = { name, input, ...(way.relay && { way }) }
  let account = ''
  try {
    const { clientFor, account: mine } = ready()
    account = mine
    rememberUnfinished(account, begun)
    const approve = async (asked: WalletRequest) => {
      await approved(asked, put)
      put({ progress: `Sign in the wallet: ${stepOf(asked).words}`, asking: undefined })
    }
    const client = clientFor(approve, {
      newSecret,
      relay: way.relay ?? false,
      onProgress: (progress) => {
        hash = progress.hash ?? hash
        put({ progress: progressWords(progress), hash })
      },
    })
    const said = await kindOf(name).run(client, input)
    forgetUnfinished(account, begun)
    const effect = await kindOf(name)
      .effect?.(client, input)
      .catch(() => undefined)
    const done: Flow = { ...base, phase: 'done', said, effect, hash, isFinal: hash === undefined }
    putFlow(done)
    if (hash === undefined) return
    const { _meta } = await client.ask(META)
    await waitForBlock(client, BigInt(_meta.block ?? 0), { final: true })
    if (currentFlow() === done) putFlow({ ...done, isFinal: true })
  } catch (error) {
    if (currentFlow()?.phase === 'done') return // only the wait for the final block has failed
    const mayContinue = hash !== undefined || error instanceof UnavailableError
    if (!mayContinue && account) forgetUnfinished(account, begun)
    putFlow({ ...base, phase: 'failed', input, way, reason: wordsOf(error) })
  }
}

/** Passes what was shown; asks about anything else. */
async function approved(
  asked: WalletRequest,
  put: (change: { asking?: Extract<Flow, { phase: 'running' }>['asking'] }) => void,
) {
  if (asked.kind === 'signature') {
    if (agreement?.covers(asked)) return
    const place = awaited.findIndex((isIt) => isIt(asked))
    if (place >= 0) return void awaited.splice(place, 1)
  }
  const key = asked.kind === 'transaction' ? `${asked.contract}.${asked.functionName}/${asked.data}/${asked.value}` : ''
  const place = shown.indexOf(key)
  if (place >= 0) {
    shown.splice(place, 1)
    return
  }
  const agreed = await new Promise<boolean>((answer) => put({ asking: { step: stepOf(asked), answer } }))
  put({ asking: undefined })
  if (!agreed) throw new ClientError('You stopped here. What was sent before stays; nothing else was signed.')
}

interface Progress {
  step: string
  done?: number
  total?: number
}

const progressWords = ({ step, done, total }: Progress) => {
  const words = /^\w+\.\w+$/.test(step) ? 'Sent; waiting until it is mined' : step[0]?.toUpperCase() + step.slice(1)
  return total === undefined ? words : `${words}: ${done ?? 0} of ${total}`
}

function wordsOf(error: unknown): string {
  if (error instanceof ClientError) return error.message
  if (error instanceof BaseError) {
    const own = error.walk((one) => one instanceof ClientError)
    return own?.message ?? walletWords(error.walk((one) => 'code' in (one as object)) ?? error).message
  }
  console.error(error)
  return `This failed for a reason that the page does not know: ${(error as Error).message ?? error}. Try again; what was sent is not sent twice.`
}
