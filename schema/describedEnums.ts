import { declareEnum } from './declareEnum.ts'

/** What the enums of the API and their values mean. A closed set that is added needs its texts here: `describedEnum` refuses it otherwise. */
const TEXTS: Record<string, { is: string; values: Record<string, string> }> = {
  AccessRole: {
    is: 'What the holder of a key may do.',
    values: { Consumer: 'Call endpoints and read its own calls.', Operator: 'Everything.' },
  },
  BondStatus: {
    is: 'What has become of a proposer’s bond.',
    values: {
      Locked: 'It is held.',
      Returned: 'The proposer got it back, less what was slashed.',
      Slashed: 'A part of it went to the treasury.',
    },
  },
  BudgetDirection: {
    is: 'Whether money goes into a budget or out of it.',
    values: { Funded: 'Somebody paid into it.', Spent: 'It paid for work.' },
  },
  Comparison: {
    is: 'How samples of a datanet are compared, to find what one has of earlier ones.',
    values: {
      prose: 'By sequences of words; symbols do not count.',
      code: 'By sequences of words and symbols.',
      exact: 'Only equal texts are copies.',
    },
  },
  ContributionStatus: {
    is: 'The verdict on a sample.',
    values: {
      Submitted: 'It is not scored yet.',
      Accepted: 'It may be trained on.',
      Rejected: 'It is not used; `reason` says why.',
    },
  },
  DisputeOutcome: {
    is: 'How a dispute stands.',
    values: {
      Open: 'Nothing is decided.',
      Upheld: 'The challenger was right.',
      Rejected: 'The challenger was wrong.',
      Lapsed: 'Nobody decided it in time; the bond went back.',
    },
  },
  DisputeSubject: {
    is: 'What is disputed.',
    values: {
      Contribution: 'A sample of a datanet.',
      Judgement: 'What a validator said of two answers.',
      Version: 'A trained model, its manifest or its evaluation.',
      RewardMap: 'The payable amounts of an epoch.',
    },
  },
  DisputeVerdict: {
    is: 'What the resolver has found. It takes effect after the appeal time.',
    values: { Upheld: 'The challenger is right.', Rejected: 'The challenger is wrong.' },
  },
  GovernorClock: {
    is: 'What the times of a Governor count (ERC-6372).',
    values: { BlockNumber: 'The height of the chain.', Timestamp: 'Seconds since 1970.' },
  },
  GovernorKind: {
    is: 'Whose interface a Governor has.',
    values: {
      OpenZeppelin: 'That of OpenZeppelin Contracts.',
      Bravo: 'That of Compound’s GovernorBravo.',
      Alpha: 'That of Compound’s GovernorAlpha: nobody abstains.',
    },
  },
  JobStatus: {
    is: 'How far a job is.',
    values: {
      Queued: 'It starts when its lane has a free slot.',
      Running: 'A worker is at it.',
      Waiting: 'A service or resource is missing; it is tried again.',
      Succeeded: 'Its result is there.',
      Failed: 'It ended with an error.',
      Cancelled: 'Somebody ended it before it was done.',
    },
  },
  OrderDirection: {
    is: 'The sort direction. Nulls sort after all values in ascending order.',
    values: { asc: 'The least first.', desc: 'The greatest first.' },
  },
  PowerMeasure: {
    is: 'What concentration is measured of.',
    values: { Votes: 'Voting power, own and delegated.', Balances: 'Tokens held, locked ones included.' },
  },
  PreferenceMethod: {
    is: 'How a model is aligned with preferences.',
    values: {
      grpo: 'Group relative policy optimisation: answers are compared with the mean of their group.',
      rloo: 'REINFORCE with the mean reward of the other answers as baseline.',
      dpo: 'Direct preference optimisation: no sampling, only pairs.',
    },
  },
  ProposalState: {
    is: 'How far a proposal is, as OpenZeppelin’s Governor tells it.',
    values: {
      Pending: 'Voting has not begun.',
      Active: 'Votes can be cast.',
      Canceled: 'It was withdrawn.',
      Defeated: 'It lost, or too few voted.',
      Succeeded: 'It won and can be queued, or executed where there is no timelock.',
      Queued: 'The timelock delays it.',
      Expired: 'It was not carried out in time.',
      Executed: 'Its actions were carried out.',
    },
  },
  QuorumCounting: {
    is: 'Which votes count toward the quorum.',
    values: { For: 'Only those in favour.', ForAbstain: 'Those in favour and abstentions.', All: 'Every vote.' },
  },
  RedemptionFailure: {
    is: 'Why nothing was redeemed from a channel.',
    values: {
      None: 'No reason was given.',
      UnknownEndpoint: 'No endpoint has this id.',
      NotHost: 'The sender does not answer for the endpoint.',
      OtherChannel: 'The channel pays another endpoint.',
      BadSignature: 'The voucher is not signed by the channel’s key.',
      BeyondCeiling: 'More was asked for than the voucher allows.',
      NothingNew: 'All of it was redeemed before.',
      InsufficientCredit: 'The channel has less than was asked for.',
    },
  },
  RewardMapStatus: {
    is: 'How far the rewards of an epoch are.',
    values: {
      Open: 'No map is published.',
      Published: 'Its amounts can be claimed after the challenge time.',
      Cancelled: 'An upheld dispute removed it.',
    },
  },
  StewardState: {
    is: 'Whether the steward works for a model.',
    values: {
      Working: 'A job of it runs.',
      Waiting: 'For what the next steps say.',
      Held: 'A job failed for good; an operator must look.',
      Paused: 'An operator stopped it for now.',
      Unmanaged: 'Neither the mandate nor the operator has a policy for it.',
    },
  },
  StewardStepName: {
    is: 'What the steward asks for.',
    values: {
      recourse: 'Dispute a version that serves below its mandate.',
      settle: 'Pay and fine the judgements of a round.',
      follow: 'Point the own endpoints to the version that serves.',
      promote: 'Let a version serve that meets the targets.',
      evaluate: 'Run the rubric on a new version.',
      align: 'Train on settled preferences.',
      judge: 'Open comparisons of answers.',
      train: 'Fine-tune on accepted samples.',
      score: 'Decide on submitted samples.',
      monitor: 'Answer a part of the sealed items again with a version that serves.',
      redeem: 'Collect fees from channels.',
      publish: 'End an epoch and post its reward map.',
    },
  },
  TimelockStatus: {
    is: 'How far an operation of a timelock is.',
    values: {
      Waiting: 'Its delay runs, or nobody has executed it.',
      Done: 'It was executed.',
      Cancelled: 'It will never be executed.',
    },
  },
  VersionStatus: {
    is: 'How far a version is.',
    values: {
      Registered: 'It is trained; it has not served.',
      Promoted: 'It met the targets and may serve.',
      RolledBack: 'It may never serve again; `rollbackReason` says why.',
    },
  },
  WorkerStatus: {
    is: 'Whether a worker process is at work.',
    values: {
      Alive: 'Its heartbeat is recent.',
      Lost: 'Its heartbeat stopped without a word.',
      Stopped: 'It said that it stops.',
    },
  },
}

/** Declares an enum whose values are their own names, with its texts. @returns its members, to be named as a type. @throws Error when a text is missing. */
export function describedEnum<Members extends object>(name: string, members: Members): Members {
  const texts = TEXTS[name]
  const missing = Object.keys(members).filter((value) => !texts?.values[value])
  if (!texts || missing.length > 0)
    throw new Error(`schema/describedEnums.ts does not say what ${name} ${missing.join(', ')} means`)
  return declareEnum(
    name,
    texts.is,
    Object.fromEntries(Object.keys(members).map((value) => [value, texts.values[value] ?? ''])),
  ) as Members
}
