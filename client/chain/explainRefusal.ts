import {
  type Abi,
  type AbiItem,
  BaseError,
  ContractFunctionRevertedError,
  decodeErrorResult,
  formatEther,
  type Hex,
  InsufficientFundsError,
  toFunctionSelector,
} from 'viem'
import { errorNotices } from '#contracts/generated/errorNotices.ts'
import { type ContractName, contracts } from '#contracts/generated/index.ts'
import { PROPOSAL_STATES } from '#rules/tally.ts'
import { ClientError, ContractRefusal, UnavailableError } from '../errors.ts'
import { ADVICE, type ContractErrorName } from './advice.ts'

type AbiError = Extract<AbiItem, { type: 'error' }>

interface FailedCall {
  contract: ContractName
  functionName: string
}

interface FoundError {
  contract: ContractName
  item: AbiError
  args: Readonly<Record<string, unknown>>
}

/** Says in words why a call fails: the contract's error, its arguments, and what to do. */
export function explainRefusal(call: FailedCall, cause: unknown): ClientError {
  if (cause instanceof ClientError) return cause
  const what = `${call.contract}.${call.functionName}`
  if (!(cause instanceof BaseError)) return new ClientError(`${what}: ${(cause as Error).message}`, { cause })
  const revert = cause.walk((error) => error instanceof ContractFunctionRevertedError)
  if (revert instanceof ContractFunctionRevertedError) {
    const found = revert.raw && errorOf(call.contract, revert.raw)
    if (!found)
      return new ContractRefusal(
        `${what} is refused: ${revert.reason ?? 'the contract gives no reason'}.`,
        call.contract,
        call.functionName,
        undefined,
        {},
        { cause },
      )
    const { item, args } = found
    return new ContractRefusal(
      `${what} is refused: ${wordsOf(found)}`,
      found.contract,
      call.functionName,
      item.name,
      args,
      { cause },
    )
  }
  if (isFundsError(cause))
    return new ClientError(
      `${what}: the account has too few native tokens for the value and the gas of this transaction. Send it some.`,
      { cause },
    )
  return new UnavailableError(`${what}: the node does not take the call (${cause.details || cause.shortMessage}).`, {
    cause,
  })
}

const isFundsError = (cause: BaseError) =>
  cause.walk((error) => error instanceof InsufficientFundsError) !== null ||
  /insufficient funds|lack of funds/i.test(`${cause.shortMessage} ${cause.details}`)

/** Decodes the data of a revert by the ABI of the called contract, or by that of a contract which it called. */
function errorOf(contract: ContractName, data: Hex): FoundError | undefined {
  const names = [contract, ...(Object.keys(contracts) as ContractName[])]
  for (const name of names) {
    const item = (contracts[name].abi as Abi).find(
      (one): one is AbiError => one.type === 'error' && toFunctionSelector(signatureOf(one)) === data.slice(0, 10),
    )
    if (!item) continue
    const { args = [] } = decodeErrorResult({ abi: [item], data })
    return {
      contract: name,
      item,
      args: Object.fromEntries(item.inputs.map(({ name }, place) => [name ?? `${place}`, args[place]])),
    }
  }
  return undefined
}

const signatureOf = ({ name, inputs }: AbiError) => `${name}(${inputs.map(({ type }) => type).join(',')})`

function wordsOf({ contract, item, args }: FoundError): string {
  const notice = errorNotices[contract]?.[signatureOf(item)]
  const shown = Object.entries(args).map(([name, value]) => `${name} ${shownValue(name, value)}`)
  const facts = `${item.name}${shown.length ? `: ${shown.join(', ')}` : ''}`
  return [notice, ADVICE[item.name as ContractErrorName], `(${facts})`].filter(Boolean).join(' ')
}

/** Names of arguments that are moments, and those that are amounts of gOPEN in wei. */
const MOMENT = /(At|until|deadline|expiry|opensAfter|expiredAt|periodEnd|dueAt|nowAt)$/i
const AMOUNT =
  /^(amount|balance|needed|bond|minBond|stakeEach|minStake|staked|locked|available|held|funds|budget|unaccounted|cumulative|claimed|allowance|total)$/

function shownValue(name: string, value: unknown): string {
  if (name === 'current' && Number(value) < PROPOSAL_STATES.length) return PROPOSAL_STATES[Number(value)] as string
  if (name === 'expectedStates') return statesIn(value)
  if (typeof value !== 'bigint') return String(value)
  if (MOMENT.test(name) && value > 1_000_000_000n && value < 100_000_000_000n)
    return new Date(Number(value) * 1000).toISOString()
  return AMOUNT.test(name) ? `${formatEther(value)} gOPEN` : value.toString()
}

/** OpenZeppelin's set of states, a bit for each. */
const statesIn = (set: unknown): string =>
  PROPOSAL_STATES.filter((_, place) => ((BigInt(String(set)) >> BigInt(place)) & 1n) === 1n).join(' or ') || String(set)
