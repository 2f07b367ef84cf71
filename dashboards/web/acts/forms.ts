import { type DisputeSubject, GROUNDS } from '#client/acts/dispute.ts'
import type { ActName } from './inputs.ts'

/** The forms of the acts: what is asked, and what it means. */

export type Options = readonly (readonly [value: string, label: string])[]

export interface FormField {
  name: string
  label: string
  hint?: string
  /** `amount`: gOPEN or native tokens, kept in wei. `given`: comes from the page, and is not asked. */
  kind: 'amount' | 'address' | 'text' | 'long' | 'choice' | 'select' | 'given'
  options?: Options | ((given: Readonly<Record<string, string>>) => Options)
  optional?: boolean
}

export interface Form {
  /** What the act does, and what it leads to. */
  says: string
  fields: readonly FormField[]
  /** What the button says. Default: that the costs are found out. */
  button?: string
}

const amount = (label: string, hint?: string): FormField => ({ name: 'amount', label, hint, kind: 'amount' })
const given = (name: string): FormField => ({ name, label: name, kind: 'given' })
const proposalId = given('proposalId')
const modelId = given('modelId')

/** Acts with a form of their own: several fields that belong together, a file, or two answers side by side. */
export type OwnForm = 'propose' | 'contribute' | 'judge' | 'call'

export const FORMS: Record<Exclude<ActName, OwnForm>, Form> = {
  wrap: {
    says: 'gOPEN is the native token, wrapped one to one. It can be unwrapped at any time, unless it is locked.',
    fields: [amount('Native tokens to wrap')],
  },
  unwrap: { says: 'Turns gOPEN back into native tokens.', fields: [amount('gOPEN to unwrap')] },
  delegate: {
    says: 'Only locked gOPEN votes, and only what was locked before a vote began counts in it. Delegate to yourself to vote yourself. Unlocking takes some time.',
    fields: [
      { name: 'to', label: 'Who votes with it', hint: 'An address; yours, to vote yourself.', kind: 'address' },
      { name: 'lock', label: 'gOPEN to lock', hint: '0 only changes who votes.', kind: 'amount', optional: true },
    ],
  },
  requestUnlock: {
    says: 'It stops voting at once, and can be taken back after the time that a decision takes.',
    fields: [amount('gOPEN to unlock')],
  },
  unlock: { says: 'Gives back what you have asked to unlock, when its time has come.', fields: [] },
  vote: {
    says: 'You vote with what was locked for you when voting began. A vote cannot be changed.',
    fields: [
      proposalId,
      {
        name: 'support',
        label: 'Your vote',
        kind: 'choice',
        options: [
          ['for', 'For'],
          ['against', 'Against'],
          ['abstain', 'Abstain'],
        ],
      },
      { name: 'reason', label: 'Your reason', hint: 'Everybody can read it, for ever.', kind: 'long', optional: true },
    ],
  },
  queue: {
    says: 'The proposal has passed. In the timelock it waits, so that everybody sees what will be done. Anyone may queue it.',
    fields: [proposalId],
  },
  execute: {
    says: 'The timelock’s delay has passed: this does what was decided. Anyone may do it.',
    fields: [proposalId],
  },
  claim: {
    says: 'Pays you what the newest final reward map grants you, less what you were paid before. The proof is verified in this browser against the root on the chain, before anything is signed.',
    fields: [],
  },
  resolveBond: {
    says: 'The outcome of the proposal is known: its bond goes back to the proposer, or a part of it to the treasury. Anyone may settle it.',
    fields: [modelId],
  },
  stake: {
    says: 'Stakers share a model’s revenue by stake and time. Stake can be taken back.',
    fields: [modelId, amount('gOPEN to stake')],
  },
  unstake: { says: 'Takes stake back from the model.', fields: [modelId, amount('gOPEN to take back')] },
  createDatanet: {
    says: 'A datanet collects samples for a model, under one licence. You own it.',
    fields: [
      modelId,
      { name: 'licence', label: 'Licence', hint: 'An SPDX name, such as CC-BY-4.0.', kind: 'text' },
      { name: 'minStake', label: 'Least stake on each sample, in gOPEN', kind: 'amount', optional: true },
    ],
  },
  withdrawContribution: {
    says: 'No dataset to come has the sample, the versions that learned from it are marked, and their hosts are told. What it has earned, and its stake, stay. This cannot be undone.',
    fields: [
      given('id'),
      { name: 'reason', label: 'Why', hint: 'Everybody can read it. Do not repeat the content.', kind: 'long' },
    ],
  },
  withdrawStake: { says: 'Gives back the stake of this sample, when its hold is over.', fields: [given('id')] },
  stakeAsValidator: {
    says: 'Seats at the rounds that open afterwards are drawn by stake. Bad judgement, and silence after a commitment, are fined from it.',
    fields: [amount('gOPEN to stake')],
  },
  unstakeAsValidator: {
    says: 'Gives stake to judge back: not while what you have judged is not settled, nor while it is disputed.',
    fields: [amount('gOPEN to take back')],
  },
  drawSeats: {
    says: 'Anyone may draw the seats of a round, by the hash of a block that nobody chose.',
    fields: [given('roundId')],
  },
  reveal: {
    says: 'Shows what you have committed to. What is not revealed in time is fined.',
    fields: [given('tasks')],
  },
  deposit: {
    says: 'Credit pays for calls of this endpoint. What is not used can be asked back.',
    fields: [given('endpointId'), amount('gOPEN to deposit')],
  },
  requestWithdrawal: {
    says: 'The host may redeem what it has served, for some time; after it you take the rest.',
    fields: [given('endpointId'), amount('gOPEN to ask back')],
  },
  withdraw: {
    says: 'Takes the credit that you have asked for, when its time has come.',
    fields: [given('endpointId')],
  },
  dispute: {
    says: 'Anyone may challenge with a bond. What can be recomputed is decided by recomputation, the rest by vote. The bond comes back unless the dispute is rejected.',
    fields: [
      given('subject'),
      given('subjectId'),
      {
        name: 'ground',
        label: 'What is wrong',
        kind: 'select',
        options: ({ subject }) =>
          Object.entries(GROUNDS[subject as DisputeSubject] ?? {}).map(([ground, how]) => [
            ground,
            `${groundWords(ground)} (decided by ${how})`,
          ]),
      },
      { name: 'statement', label: 'In words', hint: 'It is published.', kind: 'long' },
    ],
  },
  cancelJob: {
    says: 'A queued job is cancelled at once, a running one stops at its next step. Nothing is signed.',
    fields: [given('id')],
    button: 'Cancel the job',
  },
  pauseSteward: {
    says: 'The steward asks for nothing more for this model until it is resumed; jobs that run go on. For operators. Nothing is signed.',
    fields: [modelId, { name: 'reason', label: 'Why', hint: 'Everybody can read it.', kind: 'long' }],
    button: 'Pause the steward',
  },
  resumeSteward: {
    says: 'The steward goes on with this model, and asks once more for a step that has failed for good. For operators. Nothing is signed.',
    fields: [modelId],
    button: 'Resume the steward',
  },
}

/** `offTopic` as “off topic”. */
const groundWords = (ground: string) => ground.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
