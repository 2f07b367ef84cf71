import { type AbiEvent, decodeEventLog, type Hex, parseAbi, toEventSelector } from 'viem'
import { IndexerError } from '../errors.ts'
import type { Log } from '../source.ts'
import { governor } from './governor.ts'
import type { Handler } from './handler.ts'

/** Governors that descend from OpenZeppelin's and announce proposals in shapes of their own: typed, or decided by a voting
 *  module instead of calls. (GovernorBravo's events have the same shapes as OpenZeppelin's and need nothing here.) */

const announcements = parseAbi([
  'event ProposalCreated(uint256 proposalId, address proposer, address[] targets, uint256[] values, string[] signatures, bytes[] calldatas, uint256 voteStart, uint256 voteEnd, string description, uint8 proposalType)',
  'event ProposalCreated(uint256 proposalId, address proposer, address votingModule, bytes proposalData, uint256 voteStart, uint256 voteEnd, string description)',
  'event ProposalCreated(uint256 proposalId, address proposer, address votingModule, bytes proposalData, uint256 voteStart, uint256 voteEnd, string description, uint8 proposalType)',
])

const byTopic = new Map(announcements.map((event) => [toEventSelector(event as AbiEvent), event]))

export const otherTopics: Hex[] = [...byTopic.keys()]

type Announced = ReturnType<typeof decodeEventLog<typeof announcements>>['args']

/** A proposal announced in another shape, or undefined. @throws IndexerError when topic and data disagree. */
export function decodeOther(log: Log): { name: string; args: Announced } | undefined {
  const event = byTopic.get(log.topics[0] ?? '0x')
  if (!event) return undefined
  try {
    const { eventName, args } = decodeEventLog({ abi: [event], topics: log.topics as [Hex], data: log.data })
    return { name: eventName, args: args as Announced }
  } catch (cause) {
    throw new IndexerError(
      `Log ${log.index} of block ${log.block} has the topic of a proposal, but not its shape. Correct the address of ModelGovernor (${log.address}) in the deployment.`,
      { cause },
    )
  }
}

/** As OpenZeppelin would have announced it; a module's proposal has no calls of its own. */
export const announce: Handler<Announced> = (rows, args, at) => {
  const calls =
    'targets' in args
      ? { targets: args.targets, values: args.values, signatures: args.signatures, calldatas: args.calldatas }
      : { targets: [], values: [], signatures: [], calldatas: [] }
  const { proposalId, proposer, voteStart, voteEnd, description } = args
  const lower = proposer.toLowerCase() as Hex
  const targets = calls.targets.map((target) => target.toLowerCase() as Hex)
  governor.ProposalCreated!(
    rows,
    { proposalId, proposer: lower, voteStart, voteEnd, description, ...calls, targets },
    at,
  )
}
