import type { Event } from '../data/documents/common.ts'
import { BOOKKEEPING } from '../data/documents/overview.ts'
import { counted, gopen, percent, short } from './figures.ts'
import { plainReason } from './reason.ts'

type Args = Record<string, string>

const who = (account: string | undefined) => (account ? short(account) : 'someone')
const SUPPORT: Record<string, string> = { '0': 'against', '1': 'for', '2': 'to abstain' }
const SUBJECT: Record<string, string> = {
  '0': 'sample',
  '1': 'judgement',
  '2': 'version',
  '3': 'the reward map of epoch',
}

const OUTCOME: Record<string, string> = { '1': 'upheld', '2': 'rejected', '3': 'lapsed' }

/** Why a redemption failed. */
const FAILURE: Record<string, string> = {
  '1': 'there is no such endpoint',
  '2': 'the sender is not its host',
  '3': 'the channel is another endpoint’s',
  '4': 'the channel’s key did not sign',
  '5': 'the voucher grants less',
  '6': 'all of it was redeemed before',
  '7': 'the channel has too little credit',
}

/** What each event says to a person. */
const SENTENCES: Record<string, (args: Args) => string> = {
  ModelProposed: (a) => `${who(a.proposer)} proposed model ${a.modelId} with a bond of ${gopen(a.bond ?? 0n)} gOPEN`,
  TargetSet: (a) =>
    `Target set: ${a.metric} at least ${percent(a.minimum ?? 0)}${a.mayFall ? ', and it may fall' : ''}`,
  SplitSet: (a) => `Revenue split of model ${a.modelId} fixed`,
  ProposalCreated: (a) => `${who(a.proposer)} opened the vote`,
  VoteCast: (a) => `${who(a.voter)} voted ${SUPPORT[a.support ?? ''] ?? ''} with ${gopen(a.weight ?? 0n)} gOPEN`,
  ProposalQueued: () => 'The proposal passed and waits in the timelock',
  ProposalExecuted: () => 'The proposal was carried out',
  ProposalCanceled: () => 'The proposal was cancelled',
  MandateIssued: (a) => `Model ${a.modelId} has a mandate: ${gopen(a.budget ?? 0n)} gOPEN to spend`,
  MandateFunded: (a) => `${gopen(a.amount ?? 0n)} gOPEN added to the budget (${a.purpose})`,
  BudgetSpent: (a) => `${gopen(a.amount ?? 0n)} gOPEN spent from the budget (${a.purpose})`,
  BondReturned: (a) => `Bond of ${gopen(a.amount ?? 0n)} gOPEN returned (${a.reason})`,
  BondSlashed: (a) => `${gopen(a.amount ?? 0n)} gOPEN of the bond taken (${a.reason})`,
  ModelStaked: (a) => `${who(a.account)} staked ${gopen(a.amount ?? 0n)} gOPEN on model ${a.modelId}`,
  DatanetCreated: (a) => `Datanet ${a.datanetId} opened for model ${a.modelId} (${a.licence})`,
  ContributionCommitted: (a) => `${who(a.contributor)} committed to samples, unseen`,
  ContributionSubmitted: (a) => `${who(a.contributor)} submitted sample ${a.contributionId}`,
  ContributionScored: (a) =>
    a.verdict === '1'
      ? `Sample ${a.contributionId} accepted`
      : `Sample ${a.contributionId} rejected: ${plainReason(a.reason ?? '')}`,
  ScoringFeeForfeited: (a) => `${gopen(a.amount ?? 0n)} gOPEN of stake forfeited for sample ${a.contributionId}`,
  VersionRegistered: (a) => `Version ${a.versionId} trained by ${a.method}`,
  EvaluationLogged: (a) =>
    `Version ${a.versionId} scored ${percent(a.score ?? 0)} on ${a.metric} (${percent(a.lower ?? 0)} to ${percent(a.upper ?? 0)})`,
  VersionPromoted: (a) => `Version ${a.versionId} met its targets and was promoted`,
  VersionRolledBack: (a) => `Version ${a.versionId} was rolled back: ${a.reason}`,
  ValidatorStaked: (a) => `${who(a.validator)} staked ${gopen(a.amount ?? 0n)} gOPEN to judge`,
  RoundOpened: (a) => `Round ${a.roundId} opened: ${a.tasks} comparisons with ${a.seats} seats each`,
  SeatsDrawn: (a) => `Seats of round ${a.roundId} drawn`,
  GoldOpened: (a) => `Gold tasks of round ${a.roundId} opened`,
  RoundSettled: (a) => `Round ${a.roundId} settled`,
  TaskOpened: (a) => `Comparison ${a.taskId} waits for judgement`,
  FeedbackCommitted: (a) => `${who(a.validator)} judged comparison ${a.taskId}, still secret`,
  FeedbackRevealed: (a) => `${who(a.validator)} revealed a judgement of comparison ${a.taskId}`,
  FeedbackSettled: (a) =>
    BigInt(a.penalty ?? 0) > 0n
      ? `${who(a.validator)} fined ${gopen(a.penalty ?? 0n)} gOPEN for comparison ${a.taskId}`
      : `${who(a.validator)} earned ${gopen(a.reward ?? 0n)} gOPEN for comparison ${a.taskId}`,
  TaskSettled: (a) => `Comparison ${a.taskId} settled: ${gopen(a.paid ?? 0n)} gOPEN paid`,
  ReputationUpdated: (a) => `${who(a.validator)} now stands at ${percent(a.value ?? 0)} in ${a.domain}`,
  EndpointRegistered: (a) => `Endpoint ${a.endpointId} serves version ${a.versionId}`,
  CreditDeposited: (a) => `${who(a.consumer)} deposited ${gopen(a.amount ?? 0n)} gOPEN of credit`,
  WithdrawalRequested: (a) => `${who(a.consumer)} takes ${gopen(a.amount ?? 0n)} gOPEN of credit back`,
  CreditWithdrawn: (a) => `${who(a.consumer)} got ${gopen(a.amount ?? 0n)} gOPEN of credit back`,
  Redeemed: (a) => `${who(a.consumer)} paid ${gopen(a.amount ?? 0n)} gOPEN for calls, in epoch ${a.epoch}`,
  RedemptionFailed: (a) =>
    `A redemption from ${who(a.consumer)} at endpoint ${short(a.endpointId ?? '')} failed: ${FAILURE[a.reason ?? ''] ?? 'unknown'}`,
  EpochFunded: (a) => `${gopen(a.amount ?? 0n)} gOPEN to share out for epoch ${a.epoch}`,
  RewardMapPublished: (a) => `Epoch ${a.epoch} pays ${gopen(a.total ?? 0n)} gOPEN`,
  RewardMapCancelled: (a) => `The reward map of epoch ${a.epoch} was cancelled`,
  BondHeld: (a) => `${who(a.publisher)} published epoch ${a.epoch} with a bond of ${gopen(a.amount ?? 0n)} gOPEN`,
  BondReleased: (a) => `The bond of epoch ${a.epoch}, ${gopen(a.amount ?? 0n)} gOPEN, went to ${who(a.to)}`,
  RewardClaimed: (a) => `${who(a.account)} claimed ${gopen(a.amount ?? 0n)} gOPEN`,
  DisputeOpened: (a) =>
    `${who(a.challenger)} disputes ${SUBJECT[a.kind ?? ''] ?? 'something'} ${short(a.subjectId ?? '')}`,
  DisputeRuled: (a) =>
    `A resolver ruled on dispute ${a.disputeId}: ${OUTCOME[a.verdict ?? ''] ?? 'unknown'}, open to appeal`,
  DisputeResolved: (a) => `Dispute ${a.disputeId} ${OUTCOME[a.outcome ?? ''] ?? 'decided'}`,
  Slashed: (a) => `${who(a.account)} lost ${gopen(a.amount ?? 0n)} gOPEN of stake as ${a.role}`,
  Transfer: (a) => `${gopen(a.value ?? 0n)} gOPEN moved to ${who(a.to)}`,
  VotesLocked: (a) => `${who(a.account)} locked ${gopen(a.amount ?? 0n)} gOPEN to vote`,
  UnlockRequested: (a) => `${who(a.account)} takes ${gopen(a.amount ?? 0n)} gOPEN out of votes`,
  VotesUnlocked: (a) => `${who(a.account)} got ${gopen(a.amount ?? 0n)} gOPEN back`,
  Paused: () => 'The guardian paused spending, claims and verdicts',
  Unpaused: () => 'The guardian ended its pause',
  DelegateChanged: (a) => `${who(a.delegator)} gave voting power to ${who(a.toDelegate)}`,
}

/** What a run of the same event says, where one sentence each would be noise. */
const RUNS: Record<string, (events: readonly Event[]) => string> = {
  ContributionCommitted: (run) => `${counted(run.length, 'batch', 'batches')} of samples committed, unseen`,
  ContributionSubmitted: (run) => `${counted(run.length, 'sample')} submitted`,
  ContributionScored(run) {
    const accepted = run.filter((event) => argsOf(event).verdict === '1').length
    return `${counted(run.length, 'sample')} scored: ${accepted} accepted, ${run.length - accepted} rejected`
  },
  TaskOpened: (run) => `${counted(run.length, 'comparison')} opened for judgement`,
  FeedbackCommitted: (run) => `${counted(run.length, 'judgement')} committed, still secret`,
  FeedbackRevealed: (run) => `${counted(run.length, 'judgement')} revealed`,
  FeedbackSettled: (run) => `${counted(run.length, 'judgement')} settled`,
  TaskSettled: (run) => `${counted(run.length, 'comparison')} settled`,
  EvaluationLogged: (run) =>
    `Version ${argsOf(run[0] as Event).versionId} evaluated: ${[...run]
      .reverse()
      .map((event) => `${argsOf(event).metric} ${percent(argsOf(event).score ?? 0, 0)}`)
      .join(', ')}`,
  TargetSet: (run) =>
    `Targets set: ${[...run]
      .reverse()
      .map((event) => `${argsOf(event).metric} ≥ ${percent(argsOf(event).minimum ?? 0, 0)}`)
      .join(', ')}`,
  DelegateChanged: (run) => `${counted(run.length, 'holder')} gave or took voting power`,
  Slashed: (run) =>
    `${counted(run.length, 'stake')} cut by ${gopen(run.reduce((sum, event) => sum + BigInt(argsOf(event).amount ?? 0), 0n))} gOPEN in all`,
  ReputationUpdated: (run) => `${counted(run.length, 'reputation')} updated`,
  ValidatorStaked: (run) => `${counted(run.length, 'validator')} staked to judge`,
  CreditDeposited: (run) => `${counted(run.length, 'deposit')} of credit`,
  Redeemed: (run) =>
    `${counted(run.length, 'redemption')}: ${gopen(run.reduce((sum, event) => sum + BigInt(argsOf(event).amount ?? 0), 0n))} gOPEN paid for calls`,
  RedemptionFailed: (run) => `${counted(run.length, 'redemption')} failed`,
  BudgetSpent: (run) =>
    `${gopen(run.reduce((sum, event) => sum + BigInt(argsOf(event).amount ?? 0), 0n))} gOPEN spent from the budget`,
  RewardClaimed: (run) =>
    `${counted(run.length, 'reward')} claimed: ${gopen(run.reduce((sum, event) => sum + BigInt(argsOf(event).amount ?? 0), 0n))} gOPEN`,
}

const argsOf = (event: Event): Args =>
  Object.fromEntries(Object.entries(event.args as object).map(([key, value]) => [key, String(value)]))

export interface FeedLine {
  id: string
  text: string
  newest: Event
}

/** How many kinds of events may take turns and still be told as runs. */
const BESIDE = 3

/** The feed, newest first: runs of one event become one line. The run that holds `cut` had more events than are known. */
export function feedOf(events: readonly Event[], cut: string | null = null): FeedLine[] {
  const lines: { run: Event[] }[] = []
  for (const event of events) {
    if (BOOKKEEPING.includes(event.name)) continue
    const open = event.name in RUNS && nearby(lines).find(({ run }) => run[0]?.name === event.name)
    if (open) open.run.push(event)
    else lines.push({ run: [event] })
  }
  return lines.map(({ run }) => {
    const newest = run[0] as Event
    const text = run.length > 1 ? RUNS[newest.name]?.(run) : undefined
    const more = text && cut !== null && run.some((event) => event.id === cut) ? 'At least ' : ''
    return { id: newest.id, text: text ? more + text : eventText(newest), newest }
  })
}

/** The lines at the end that a run may still join: nothing but runs stands after them. */
function nearby(lines: readonly { run: Event[] }[]): { run: Event[] }[] {
  const last = lines.slice(-BESIDE)
  const wall = last.findLastIndex(({ run }) => !((run[0] as Event).name in RUNS))
  return last.slice(wall + 1)
}

/** One event in a sentence. */
export function eventText(event: Event): string {
  try {
    return SENTENCES[event.name]?.(argsOf(event)) ?? plain(event)
  } catch {
    return plain(event)
  }
}

const plain = ({ contract, name }: Event) => `${contract}: ${name.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase()}`
