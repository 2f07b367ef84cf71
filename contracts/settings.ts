import { type Address, isAddressEqual, zeroAddress } from 'viem'

/** The accounts that hold roles from the start (amendment 10b). */
export type Holders = {
  /** The workers: trains, scores, evaluates, settles and publishes. */
  operator: Address
  /** Resolves disputes that recomputation decides. */
  resolver: Address
  /** Pauses for a short time, and cancels in the timelock. */
  guardian: Address
}

/** The settings of the contracts. Durations in seconds, money in wei. */
export type Settings = {
  /** From proposal to snapshot. */
  votingDelay: number
  /** From snapshot to the end of voting. */
  votingPeriod: number
  /** How long voting stays open after a late quorum, at most the voting period. */
  lateQuorumExtension: number
  /** Votes needed to propose. */
  proposalThreshold: bigint
  /** Percentage of the supply at the snapshot, 0 to 100. */
  quorumPercent: number
  /** From queueing to execution. */
  timelockDelay: number
  /** The percentage of the treasury that all proposals together may move in one period, 1 to 100. */
  treasurySharePercent: number
  /** The length of that period. */
  treasuryPeriod: number
  /** The percentage of a mandate that the workers may spend on one day, 1 to 100. */
  dailySpendPercent: number
  /** How long the guardian pauses at most in any three times that long. */
  pauseTime: number
  /** Time in which a reward map can be disputed. */
  challengeWindow: number
  /** Blocks of a period: an epoch ends with the period in which fees arrive. */
  epochLength: number
  /** What a publisher of reward maps without the role deposits, after one silent period. */
  publisherBond: bigint
  /** From a consumer's request to the withdrawal of its credit. */
  withdrawalDelay: number
  /** Time for which a scored contribution's stake is held. */
  stakeHold: number
  /** What a rejected contribution forfeits. */
  scoringFee: bigint
  /** From a resolver's verdict to its effect; the timelock may decide otherwise in that time. */
  appealTime: number
  /** From the opening of a dispute until it lapses without a decision. */
  disputeTerm: number
  /** How long a subject is held, and may be disputed by others, after a dispute about it failed. */
  reopenTime: number
  /** Minimum bond of a model proposal. */
  minProposalBond: bigint
  /** Minimum bond of a dispute. */
  minDisputeBond: bigint
  /** Minimum stake of a validator. */
  minValidatorStake: bigint
}

/** For chains that one person runs to try the system: a whole vote takes two minutes, and one key holds every role. No public chain may have them. */
export const DEMO_SETTINGS: Settings = {
  votingDelay: 15,
  votingPeriod: 90,
  lateQuorumExtension: 15,
  proposalThreshold: 0n,
  quorumPercent: 10,
  timelockDelay: 15,
  treasurySharePercent: 100,
  treasuryPeriod: 86_400,
  dailySpendPercent: 100,
  pauseTime: 600,
  challengeWindow: 90,
  epochLength: 16,
  publisherBond: 10n ** 18n,
  withdrawalDelay: 900,
  stakeHold: 600,
  scoringFee: 10n ** 15n,
  appealTime: 180,
  disputeTerm: 1_800,
  reopenTime: 60,
  minProposalBond: 10n ** 18n,
  minDisputeBond: 10n ** 17n,
  minValidatorStake: 10n ** 17n,
}

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** The holders of the demo's roles: one account. */
export const demoHolders = (operator: Address): Holders => ({
  operator,
  resolver: operator,
  guardian: operator,
})

/** The least time in which a stranger can dispute a reward map: artifacts count as missing after 72 hours (amendment 12a), and a day is left to
 *  recompute the epoch, to open the dispute and to have it mined. */
export const LEAST_CHALLENGE_WINDOW = 4 * DAY
/** The least voting delay: time to read a proposal, and to lock and delegate before its snapshot. */
export const LEAST_VOTING_DELAY = HOUR
export const LEAST_VOTING_PERIOD = DAY
export const LEAST_TIMELOCK_DELAY = DAY

/** How many reward maps may wait for finality: `RewardDistributor.MAX_PENDING`. */
export const MAX_PENDING_MAPS = 256

/** The least blocks of a period: then not even with a block every second, and fees in every period, more maps than may wait for finality fall
 *  into a challenge window. It is longer than any chain takes to finality, too. */
const leastEpochLength = (s: Settings) => Math.ceil(s.challengeWindow / MAX_PENDING_MAPS)

/** The withdrawal delays that x402 allows its channels. */
export const LEAST_WITHDRAWAL_DELAY = 15 * MINUTE
export const MAX_WITHDRAWAL_DELAY = 30 * DAY
export const LEAST_PAUSE = 6 * HOUR
export const LEAST_REOPEN_TIME = 6 * HOUR
export const LEAST_STAKE_HOLD = DAY

/** The longest way of a proposal from its creation to its execution, in seconds. */
const wholeVote = (s: Settings) => s.votingDelay + s.votingPeriod + s.lateQuorumExtension + s.timelockDelay

/** A setting or a holder that contradicts others, or that lets one account do what needs several. */
export type Contradiction = { field: keyof Settings | keyof Holders; message: string }

/** What makes settings unfit for a chain with other people's money: each names a field and says what to do. */
export function contradictionsOf(settings: Settings, holders: Holders): Contradiction[] {
  return [...timesOf(settings), ...amountsOf(settings), ...holdersOf(holders)]
}

function timesOf(s: Settings): Contradiction[] {
  const atLeast = (field: keyof Settings, least: number, why: string): Contradiction[] =>
    (s[field] as number) >= least
      ? []
      : [{ field, message: `is ${shown(s[field] as number)}, less than ${shown(least)}: ${why}` }]
  return [
    ...atLeast(
      'treasuryPeriod',
      s.votingPeriod,
      'a treasury’s share comes back before anybody can vote about the last one; lengthen it to votingPeriod.',
    ),
    ...atLeast('votingDelay', LEAST_VOTING_DELAY, 'holders need time to lock and delegate before the snapshot.'),
    ...atLeast('votingPeriod', LEAST_VOTING_PERIOD, 'people in every time zone need time to vote.'),
    ...atLeast('timelockDelay', LEAST_TIMELOCK_DELAY, 'what passed must be visible before it is executed.'),
    ...atLeast(
      'challengeWindow',
      LEAST_CHALLENGE_WINDOW,
      'artifacts count as missing after 72 hours, and the dispute must be opened after that.',
    ),
    ...atLeast('pauseTime', LEAST_PAUSE, 'people need time to meet and to act while the guardian pauses.'),
    ...atLeast(
      'appealTime',
      wholeVote(s),
      'the timelock could not reverse a verdict in time; it takes that long from proposal to execution.',
    ),
    ...atLeast(
      'disputeTerm',
      wholeVote(s),
      'a vote could not decide a dispute before it lapses; it takes that long from proposal to execution.',
    ),
    ...atLeast('disputeTerm', LEAST_CHALLENGE_WINDOW, 'whether artifacts are missing shows after 72 hours.'),
    ...atLeast(
      'reopenTime',
      LEAST_REOPEN_TIME,
      'others need time to see that a dispute failed, and to open their own.',
    ),
    ...(s.lateQuorumExtension > s.votingPeriod
      ? [
          {
            field: 'lateQuorumExtension' as const,
            message: `is ${shown(s.lateQuorumExtension)}, longer than votingPeriod (${shown(s.votingPeriod)}): shorten it, or lengthen votingPeriod.`,
          },
        ]
      : []),
    ...atLeast(
      'withdrawalDelay',
      LEAST_WITHDRAWAL_DELAY,
      'hosts must redeem what they served before the credit leaves.',
    ),
    ...(s.withdrawalDelay <= MAX_WITHDRAWAL_DELAY
      ? []
      : [
          {
            field: 'withdrawalDelay' as const,
            message: `is ${shown(s.withdrawalDelay)}, more than ${shown(MAX_WITHDRAWAL_DELAY)}: clients and facilitators of x402 would refuse the channels.`,
          },
        ]),
    ...(s.epochLength >= leastEpochLength(s)
      ? []
      : [
          {
            field: 'epochLength' as const,
            message: `is ${s.epochLength} blocks, less than ${leastEpochLength(s)}: more than ${MAX_PENDING_MAPS} maps could wait for the end of a challenge window, which the contract refuses; lengthen it, or shorten challengeWindow.`,
          },
        ]),
    ...atLeast('stakeHold', LEAST_STAKE_HOLD, 'stake would leave before anybody could dispute what it stands for.'),
  ]
}

const NOTHING = {
  quorumPercent: 'is 0: one vote would decide alone.',
  treasurySharePercent: 'is 0: no budget could ever be paid.',
  dailySpendPercent: 'is 0: the workers could never pay anything.',
}

const EVERYTHING = {
  treasurySharePercent: 'is 100: one vote could empty the treasury. Choose what a period needs.',
  dailySpendPercent:
    'is 100: the thief of the operator’s key could empty every mandate at once. Choose what a day needs.',
}

function amountsOf(s: Settings): Contradiction[] {
  const positive = (
    [
      'proposalThreshold',
      'scoringFee',
      'minProposalBond',
      'minDisputeBond',
      'minValidatorStake',
      'publisherBond',
    ] as const
  ).flatMap((field) =>
    s[field] > 0n ? [] : [{ field, message: 'is 0: it would cost nothing to flood everybody with work.' }],
  )
  const decided = (['quorumPercent', 'treasurySharePercent', 'dailySpendPercent'] as const).flatMap((field) =>
    s[field] > 0 ? [] : [{ field, message: NOTHING[field] }],
  )
  const whole = (['treasurySharePercent', 'dailySpendPercent'] as const).flatMap((field) =>
    s[field] < 100 ? [] : [{ field, message: EVERYTHING[field] }],
  )
  return [...positive, ...decided, ...whole]
}

function holdersOf(holders: Holders): Contradiction[] {
  const named = Object.entries(holders) as [keyof Holders, Address][]
  return named.flatMap(([field, account], index) => {
    if (isAddressEqual(account, zeroAddress)) return [{ field, message: 'is the zero address: name an account.' }]
    const same = named.slice(0, index).find(([, earlier]) => isAddressEqual(earlier, account))
    return same
      ? [{ field, message: `is the account of ${same[0]}, too: use separate keys, kept by separate people.` }]
      : []
  })
}

const UNITS = [
  ['day', DAY],
  ['hour', HOUR],
  ['minute', MINUTE],
  ['second', 1],
] as const

/** A duration in the largest unit that divides it, such as `3 days`. */
export function shown(seconds: number): string {
  const [unit, size] = UNITS.find(([, size]) => seconds % size === 0 && seconds >= size) ?? ['second', 1]
  return `${seconds / size} ${unit}${seconds === size ? '' : 's'}`
}
