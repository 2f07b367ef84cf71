import { type Abi, type AbiEvent, encodeAbiParameters, encodeEventTopics, type Hex } from 'viem'
import { type ContractName, contracts } from '#contracts/events.ts'
import { must } from '#test/must.ts'
import type { SeededRandom } from './random.ts'

/** Random events of several contracts, encoded as logs. Their order need not be possible on a real chain: each handler must accept any order. */

export interface SimulatedLog {
  address: string
  topics: Hex[]
  data: Hex
}

const CONTRACTS = ['GOpen', 'ModelGovernor', 'TimelockController', 'FeedbackPool'] as const

export const SIMULATED_ADDRESSES = Object.fromEntries(
  CONTRACTS.map((name, index) => [name, `0x${String(index + 1).padStart(40, 'a')}`]),
) as Record<(typeof CONTRACTS)[number], string>

const account = (random: SeededRandom) => `0x${String(random(6)).padStart(40, '0')}` as Hex
const amount = (random: SeededRandom) => BigInt(random(1_000_000))
const operation = (random: SeededRandom) => `0x${String(random(4) + 1).padStart(64, '0')}` as Hex

/** The events that are drawn: contract, name and arguments. */
const RANDOM_EVENTS: [
  ContractName & keyof typeof SIMULATED_ADDRESSES,
  string,
  (random: SeededRandom) => Record<string, unknown>,
][] = [
  ['GOpen', 'Transfer', (r) => ({ from: account(r), to: account(r), value: amount(r) })],
  ['GOpen', 'DelegateChanged', (r) => ({ delegator: account(r), fromDelegate: account(r), toDelegate: account(r) })],
  ['GOpen', 'DelegateVotesChanged', (r) => ({ delegate: account(r), previousVotes: amount(r), newVotes: amount(r) })],
  ['ModelGovernor', 'QuorumNumeratorUpdated', (r) => ({ oldQuorumNumerator: 1n, newQuorumNumerator: BigInt(r(50)) })],
  ['ModelGovernor', 'ProposalCreated', proposal],
  ['ModelGovernor', 'ProposalCanceled', (r) => ({ proposalId: BigInt(r(5)) })],
  ['ModelGovernor', 'ProposalQueued', (r) => ({ proposalId: BigInt(r(5)), etaSeconds: amount(r) })],
  [
    'ModelGovernor',
    'VoteCast',
    (r) => ({
      voter: account(r),
      proposalId: BigInt(r(5)),
      support: r(4),
      weight: amount(r),
      reason: `because ${r(9)}`,
    }),
  ],
  ['TimelockController', 'CallScheduled', call],
  ['TimelockController', 'Cancelled', (r) => ({ id: operation(r) })],
  ['FeedbackPool', 'ValidatorStaked', (r) => ({ validator: account(r), amount: amount(r) })],
  [
    'FeedbackPool',
    'ReputationUpdated',
    (r) => ({ validator: account(r), domain: 'support', value: r(1_000_000), tier: r(4) }),
  ],
]

function proposal(r: SeededRandom) {
  const lists = { targets: [account(r)], values: [amount(r)], signatures: [''], calldatas: ['0x12' as Hex] }
  const voteStart = BigInt(1_800_000_000 + r(400))
  const times = { voteStart, voteEnd: voteStart + 100n }
  return { proposalId: BigInt(r(5)), proposer: account(r), ...lists, ...times, description: `proposal ${r(3)}` }
}

function call(r: SeededRandom) {
  const target = { target: account(r), value: 0n, data: '0x' as Hex, predecessor: operation(r) }
  return { id: operation(r), index: BigInt(r(2)), ...target, delay: BigInt(r(100)) }
}

export function randomLog(random: SeededRandom): SimulatedLog {
  const [contract, eventName, args] = must(RANDOM_EVENTS[random(RANDOM_EVENTS.length)], 'event')
  const abi = contracts[contract].abi as Abi
  const event = must(
    abi.find((item): item is AbiEvent => item.type === 'event' && item.name === eventName),
    `declaration of ${eventName}`,
  )
  const values = args(random)
  const plain = event.inputs.filter((input) => !input.indexed)
  return {
    address: SIMULATED_ADDRESSES[contract],
    topics: encodeEventTopics({ abi: [event], eventName, args: values } as never) as Hex[], // viem cannot type an event that is chosen at run time
    data: encodeAbiParameters(
      plain,
      plain.map((input) => values[must(input.name, 'parameter name')]),
    ),
  }
}
