import type { Support } from '#client/acts/ballot.ts'
import type { DisputeSubject } from '#client/acts/dispute.ts'

/** What each act takes: JSON, so that an act can be continued after a reload. Amounts are in wei, ids and amounts decimal. */
export interface ActInputs {
  /** `proposal`: JSON, by `proposalText`. Its documents are kept by the page, and have only their names here. */
  propose: { name: string; proposal: string }
  wrap: { amount: string }
  unwrap: { amount: string }
  delegate: { to: string; lock: string }
  requestUnlock: { amount: string }
  unlock: Record<string, never>
  vote: { proposalId: string; support: Support; reason: string }
  queue: { proposalId: string }
  execute: { proposalId: string }
  claim: Record<string, never>
  resolveBond: { modelId: string }
  stake: { modelId: string; amount: string }
  unstake: { modelId: string; amount: string }
  createDatanet: { modelId: string; licence: string; minStake: string }
  /** `samples`: JSON of a list of prompts with completions. */
  contribute: { datanetId: string; samples: string }
  withdrawContribution: { id: string; reason: string }
  withdrawStake: { id: string }
  stakeAsValidator: { amount: string }
  unstakeAsValidator: { amount: string }
  drawSeats: { roundId: string }
  /** `judgements`: JSON of a list, ids as text. */
  judge: { judgements: string }
  /** `tasks`: ids with commas between them. */
  reveal: { tasks: string }
  deposit: { endpointId: string; amount: string }
  requestWithdrawal: { endpointId: string; amount: string }
  withdraw: { endpointId: string }
  /** `key` identifies the call: it is answered and paid once. */
  call: { endpointId: string; prompt: string; maxTokens: string; key: string }
  dispute: { subject: DisputeSubject; subjectId: string; ground: string; statement: string }
  cancelJob: { id: string }
  pauseSteward: { modelId: string; reason: string }
  resumeSteward: { modelId: string }
}

export type ActName = keyof ActInputs

/** As buttons and headings. */
export const ACT_TITLES: Record<ActName, string> = {
  propose: 'Propose a model',
  wrap: 'Wrap tokens',
  unwrap: 'Unwrap gOPEN',
  delegate: 'Lock and delegate',
  requestUnlock: 'Unlock',
  unlock: 'Take back what is unlocked',
  vote: 'Vote',
  queue: 'Queue',
  execute: 'Carry out',
  claim: 'Claim rewards',
  resolveBond: 'Settle the bond',
  stake: 'Stake on the model',
  unstake: 'Take stake back',
  createDatanet: 'Open a datanet',
  contribute: 'Contribute samples',
  withdrawContribution: 'Take the sample back',
  withdrawStake: 'Take its stake back',
  stakeAsValidator: 'Stake to judge',
  unstakeAsValidator: 'Take the stake back',
  drawSeats: 'Draw the seats',
  judge: 'Judge',
  reveal: 'Reveal judgements',
  deposit: 'Deposit credit',
  requestWithdrawal: 'Ask for credit back',
  withdraw: 'Take credit back',
  call: 'Ask the model',
  dispute: 'Dispute',
  cancelJob: 'Cancel the job',
  pauseSteward: 'Pause the steward',
  resumeSteward: 'Resume the steward',
}
