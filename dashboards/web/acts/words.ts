import { inGOpen } from '#client/amounts.ts'
import { callWords } from '#client/chain/callWords.ts'
import { short } from '../say/figures.ts'
import type { AskedSignature, AskedTransaction } from '../wallet/guard.ts'

/** What a transaction or a signature does, in words. */

export const stepWords = (step: string, args: readonly unknown[], value = 0n): string =>
  callWords({ step, args, value }, short) ?? `Call ${step}`

type SaySignature = (message: Readonly<Record<string, unknown>>) => string

const ballot: SaySignature = ({ proposalId, support, reason }) =>
  stepWords('ModelGovernor.castVoteWithReason', [proposalId, support, reason])

/** With most of these, somebody else makes the call. */
const SIGNATURES: Record<string, SaySignature> = {
  Voucher: ({ channelId, maxClaimableAmount }) => stepWords('sign a voucher', [channelId, maxClaimableAmount]),
  Ballot: ballot,
  ExtendedBallot: ballot,
  Delegation: ({ delegatee }) => stepWords('GOpen.delegate', [delegatee]),
  Permit: ({ spender, value }) => stepWords('GOpen.approve', [spender, value]),
  Contribution: ({ datanetId, stakeEach }) =>
    `Submit a batch of samples to datanet ${datanetId}, with a stake of ${inGOpen(String(stakeEach))} each`,
  Withdrawal: ({ contributionIds, reason }) => stepWords('sign a withdrawal', [contributionIds, reason]),
}

type Shown = AskedSignature | Omit<AskedTransaction, 'data'>

export interface ShownStep {
  words: string
  /** The contract and its function, or the type of the message. */
  name: string
  /** The arguments as they are signed. */
  detail: string
}

export function stepOf(asked: Shown): ShownStep {
  if (asked.kind === 'signature') {
    const { type, message } = asked
    return { words: SIGNATURES[type]?.(message) ?? `Sign a ${type}`, name: type, detail: plain(message) }
  }
  const { contract, functionName, args, value } = asked
  const name = `${contract}.${functionName}`
  return { words: stepWords(name, args, value), name, detail: plain(args) }
}

const plain = (value: unknown) =>
  JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? one.toString() : one), 1).slice(0, 4000)
