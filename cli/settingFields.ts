import type { Holders, Settings } from '#contracts/settings.ts'

/** The fields of a settings file: how each value is written, and what it decides. `modelcommons deploy --help` prints them. */

export type FieldKind = 'duration' | 'blocks' | 'amount' | 'percent'

export const HOLDER_FIELDS: Record<keyof Holders, string> = {
  operator: 'the workers: trains, scores, evaluates, settles, publishes',
  resolver: 'decides disputes that recomputation decides, subject to appeal',
  guardian: 'pauses for a short time, and cancels what waits in the timelock',
}

export const SETTING_FIELDS: Record<keyof Settings, [kind: FieldKind, what: string]> = {
  votingDelay: ['duration', 'from a proposal to its snapshot; at least 1 hour'],
  votingPeriod: ['duration', 'from the snapshot to the end of voting; at least 1 day'],
  lateQuorumExtension: ['duration', 'how long voting stays open after a late quorum; at most votingPeriod'],
  proposalThreshold: ['amount', 'votes needed to propose'],
  quorumPercent: ['percent', 'of the supply at the snapshot'],
  timelockDelay: ['duration', 'from queueing to execution; at least 1 day'],
  treasurySharePercent: ['percent', 'of the treasury that proposals together may move in a period; below 100'],
  treasuryPeriod: ['duration', 'the length of that period; at least votingPeriod'],
  dailySpendPercent: ['percent', 'of a mandate that the workers may spend on one day; below 100'],
  pauseTime: ['duration', 'how long the guardian pauses at most in any three times that long; at least 6 hours'],
  challengeWindow: ['duration', 'in which a reward map can be disputed; at least 4 days'],
  epochLength: [
    'blocks',
    'of a period; an epoch ends with each one in which fees arrive; at least challengeWindow / 256',
  ],
  publisherBond: ['amount', 'what a stranger deposits who publishes a reward map after one silent period'],
  withdrawalDelay: ['duration', 'from a consumer’s request to the withdrawal of credit; 15 minutes to 30 days'],
  stakeHold: ['duration', 'for which a scored contribution’s stake is held'],
  scoringFee: ['amount', 'that a rejected contribution forfeits to the treasury'],
  appealTime: ['duration', 'from a resolver’s verdict to its effect; at least one whole vote'],
  disputeTerm: ['duration', 'until an undecided dispute lapses; at least one whole vote, and 4 days'],
  reopenTime: ['duration', 'in which others may dispute again after a dispute failed; at least 6 hours'],
  minProposalBond: ['amount', 'the least bond of a model proposal'],
  minDisputeBond: ['amount', 'the least bond of a dispute'],
  minValidatorStake: ['amount', 'the least stake of a validator'],
}

/** An example of each way to write a value. */
const WRITTEN: Record<FieldKind, string> = {
  duration: '"2 days"',
  blocks: '"7200 blocks"',
  amount: '"100 gOPEN"',
  percent: '10',
}

/** The text of `--help` about the file. */
export function settingsHelp(): string {
  const line = (name: string, written: string, what: string) => `  ${name.padEnd(20)} ${written.padEnd(13)} ${what}`
  return [
    '',
    'The settings file is JSON with two objects; every field is required. docs/deployment.example.json is a complete one, and',
    'docs/deployment.md says what to consider. Settings that contradict each other are refused.',
    '',
    'holders: who holds which role; three separate accounts',
    ...Object.entries(HOLDER_FIELDS).map(([name, what]) => line(name, '"0x…"', what)),
    '',
    'settings: durations in seconds, minutes, hours, days or weeks; periods in blocks',
    ...Object.entries(SETTING_FIELDS).map(([name, [kind, what]]) => line(name, WRITTEN[kind], what)),
  ].join('\n')
}
