import { contentsHash, type PlannedStep, type ServedDeployment } from '#client/index.ts'
import type { AskedSignature } from '../wallet/guard.ts'
import type { ActName } from './inputs.ts'

/** Acts that an account only signs: the relayer of the API sends them, and pays. What the contracts take from others stands in docs/relaying.md. */

export interface RelayOffer {
  /** Why this act cannot be relayed. */
  refused?: string
  /** The account has too little for the gas. */
  isPreferred: boolean
  /** Of each account, in 24 hours. */
  actsPerDay: number
}

/** Whether a signature is what was shown as a transaction of one's own. */
export type ExpectedSignature = (asked: AskedSignature) => boolean

type Args = readonly unknown[]
type Message = Readonly<Record<string, unknown>>

interface Relayed {
  /** What the relayer calls in place of it. */
  call(args: Args): string
  /** The type of the message that is signed, and whether it says the same. Absent where nothing is signed. */
  types?: readonly string[]
  isSame?(args: Args, message: Message): boolean
}

const ACTS: ReadonlySet<ActName> = new Set(['vote', 'delegate', 'contribute', 'claim'])

/** By what the account would send itself. */
const RELAYED: Readonly<Record<string, Relayed>> = {
  'ModelGovernor.castVoteWithReason': {
    call: ([, , reason]) => (reason ? 'ModelGovernor.castVoteWithReasonAndParamsBySig' : 'ModelGovernor.castVoteBySig'),
    types: ['Ballot', 'ExtendedBallot'],
    isSame: ([id, side, reason], { proposalId, support, reason: signed = '' }) =>
      same([id, side, reason], [proposalId, support, signed]),
  },
  'GOpen.delegate': {
    call: () => 'GOpen.delegateBySig',
    types: ['Delegation'],
    isSame: ([to], { delegatee }) => same([to], [delegatee]),
  },
  'GOpen.approve': {
    call: () => 'GOpen.permit',
    types: ['Permit'],
    isSame: ([to, wei], { spender, value }) => same([to, wei], [spender, value]),
  },
  'DatanetRegistry.commit': { call: () => 'DatanetRegistry.commit' },
  'DatanetRegistry.submit': {
    call: () => 'DatanetRegistry.submit',
    types: ['Contribution'],
    isSame: ([id, from, hashes, each], { datanetId, contributor, contentsHash: contents, stakeEach }) =>
      same([id, from, contentsHash(hashes as `0x${string}`[]), each], [datanetId, contributor, contents, stakeEach]),
  },
  'RewardDistributor.claim': { call: () => 'RewardDistributor.claim' },
}

const same = (a: Args, b: Args) => a.every((one, nth) => String(one).toLowerCase() === String(b[nth]).toLowerCase())

/** What is signed in place of each step. */
export const expectedSignatures = (steps: readonly PlannedStep[]): ExpectedSignature[] =>
  steps.flatMap(({ step, args }) => {
    const { types, isSame } = RELAYED[step] ?? {}
    return types && isSame ? [({ type, message }: AskedSignature) => types.includes(type) && isSame(args, message)] : []
  })

interface Payer {
  relay: ServedDeployment['relay']
  /** Native tokens of the account, in wei. */
  balance: bigint
  /** In wei; undefined when it is not known. */
  gas: bigint | undefined
}

/** Whether the steps of an act can be relayed; undefined where the API relays nothing, or never this act. */
export function relayOffer(
  name: ActName,
  steps: readonly PlannedStep[],
  { relay, balance, gas }: Payer,
): RelayOffer | undefined {
  if (!relay || !ACTS.has(name) || steps.length === 0) return undefined
  const other = steps.find(({ step, args }) => !relay.calls.includes(RELAYED[step]?.call(args) ?? ''))
  const { actsPerDay } = relay
  if (other)
    return {
      refused: `${other.step} cannot be relayed: its contract takes it only from the account itself, which pays the gas.`,
      isPreferred: false,
      actsPerDay,
    }
  return { isPreferred: gas === undefined ? balance === 0n : balance < gas, actsPerDay }
}
