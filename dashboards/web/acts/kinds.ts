import * as client from '#client/index.ts'
import { gopen } from '../say/figures.ts'
import { callKind } from './callKind.ts'
import { contributionsEffect, creditNow, haveNow, proposalEffect } from './effects.ts'
import type { ActInputs, ActName } from './inputs.ts'
import type { ActKind } from './kind.ts'
import { proposeKind } from './proposeKind.ts'

/** What each act does, on top of the client. Loaded when somebody acts. */

const CANCEL = client.graphql(
  'mutation ($id: ID!, $key: String!) { cancelJob(id: $id, idempotencyKey: $key) { status } }',
)

const PAUSE = client.graphql(
  'mutation ($id: ID!, $reason: String!, $key: String!) { pauseSteward(modelId: $id, reason: $reason, idempotencyKey: $key) { id } }',
)
const RESUME = client.graphql(
  'mutation ($id: ID!, $key: String!) { resumeSteward(modelId: $id, idempotencyKey: $key) { id } }',
)

const id = (text: string) => BigInt(text)

export const ACTS: { [Name in ActName]: ActKind<ActInputs[Name]> } = {
  propose: proposeKind,
  wrap: {
    run: (on, { amount }) => client.wrap(on, id(amount)).then(() => `You have wrapped ${gopen(amount)} gOPEN.`),
    effect: haveNow,
  },
  unwrap: {
    run: (on, { amount }) => client.unwrap(on, id(amount)).then(() => `You have unwrapped ${gopen(amount)} gOPEN.`),
    effect: haveNow,
  },
  delegate: {
    run: (on, { to, lock }) =>
      client.delegate(on, { to: to as `0x${string}`, lock: id(lock) }).then(() => 'Delegated.'),
    effect: haveNow,
  },
  requestUnlock: {
    run: async (on, { amount }) =>
      `It no longer votes. Take it back from ${(await client.requestUnlock(on, id(amount))).toLocaleString()} on.`,
    effect: haveNow,
  },
  unlock: { run: (on) => client.unlock(on).then(() => 'It is yours to use again.'), effect: haveNow },
  vote: {
    run: (on, { proposalId, support, reason }) =>
      client.castVote(on, { proposalId: id(proposalId), support, reason }).then(() => `You have voted ${support}.`),
    effect: (on, { proposalId }) => proposalEffect(on, proposalId),
  },
  queue: {
    run: (on, { proposalId }) => client.queueProposal(on, id(proposalId)).then(() => 'It waits in the timelock.'),
    effect: (on, { proposalId }) => proposalEffect(on, proposalId),
  },
  execute: {
    run: (on, { proposalId }) => client.executeProposal(on, id(proposalId)).then(() => 'It is carried out.'),
    effect: (on, { proposalId }) => proposalEffect(on, proposalId),
  },
  claim: {
    run: async (on) => {
      const paid = await client.claim(on)
      return paid > 0n ? `You were paid ${gopen(paid)} gOPEN.` : 'There is nothing to claim.'
    },
    effect: haveNow,
  },
  resolveBond: {
    run: (on, { modelId }) => client.resolveBond(on, id(modelId)).then(client.bondText),
  },
  stake: {
    run: (on, { modelId, amount }) =>
      client
        .stake(on, { modelId: id(modelId), amount: id(amount) })
        .then(() => `You have staked ${gopen(amount)} gOPEN.`),
    effect: haveNow,
  },
  unstake: {
    run: (on, { modelId, amount }) =>
      client.unstake(on, { modelId: id(modelId), amount: id(amount) }).then(() => `${gopen(amount)} gOPEN came back.`),
    effect: haveNow,
  },
  createDatanet: {
    run: async (on, { modelId, licence, minStake }) =>
      `Datanet ${await client.createDatanet(on, { modelId: id(modelId), licence, minStake: id(minStake) })} is open; you own it.`,
  },
  contribute: {
    run: async (on, { datanetId, samples }) => {
      const { submitted } = await client.contribute(on, { datanetId: id(datanetId), samples: JSON.parse(samples) })
      return submitted === 1 ? 'One sample is submitted.' : `${submitted} samples are submitted.`
    },
    effect: (on, { datanetId }) => contributionsEffect(on, datanetId),
  },
  withdrawContribution: {
    run: async (on, input) => {
      await client.withdrawContributions(on, { ids: [id(input.id)], reason: input.reason })
      return 'No dataset to come has it. The versions that learned from it are marked.'
    },
  },
  withdrawStake: {
    run: (on, input) => client.withdrawStake(on, [id(input.id)]).then(() => 'Its stake came back.'),
    effect: haveNow,
  },
  stakeAsValidator: {
    run: (on, { amount }) =>
      client
        .stakeAsValidator(on, id(amount))
        .then(() => `You have staked ${gopen(amount)} gOPEN. Seats at the rounds to come are drawn by stake.`),
    effect: haveNow,
  },
  unstakeAsValidator: {
    run: (on, { amount }) => client.unstakeAsValidator(on, id(amount)).then(() => `${gopen(amount)} gOPEN came back.`),
    effect: haveNow,
  },
  drawSeats: {
    run: (on, { roundId }) => client.drawSeats(on, id(roundId)).then(() => `The seats of round ${roundId} are drawn.`),
  },
  judge: {
    run: async (on, { judgements }) => {
      const said = (JSON.parse(judgements) as Record<string, unknown>[]).map((one) => ({
        ...(one as Omit<client.TaskJudgement, 'taskId'>),
        taskId: id(String(one.taskId)),
      }))
      await client.commitJudgement(on, said)
      return 'Committed. What you said is kept in this browser until you reveal it: come back when the commit phase is over, with this browser. What is not revealed in time is fined.'
    },
  },
  reveal: {
    run: (on, { tasks }) =>
      client.revealJudgement(on, tasks.split(',').map(id)).then(() => 'Revealed: everybody can read it now.'),
  },
  deposit: {
    run: (on, { endpointId, amount }) =>
      client
        .deposit(on, { endpointId: id(endpointId), amount: id(amount) })
        .then(() => `You have deposited ${gopen(amount)} gOPEN.`),
    effect: (on, { endpointId }) => creditNow(on, endpointId),
  },
  requestWithdrawal: {
    run: async (on, { endpointId, amount }) =>
      `Take it from ${(await client.requestWithdrawal(on, { endpointId: id(endpointId), amount: id(amount) })).toLocaleString()} on. Until then the host may redeem what it has served.`,
    effect: (on, { endpointId }) => creditNow(on, endpointId),
  },
  withdraw: {
    run: async (on, { endpointId }) => `${gopen(await client.withdraw(on, id(endpointId)))} gOPEN came back.`,
    effect: haveNow,
  },
  call: callKind,
  dispute: {
    run: async (on, { subject, subjectId, ground, statement }) =>
      `Dispute ${await client.dispute(on, { subject, subjectId: id(subjectId), ground, statement })} is open. Its bond comes back unless it is rejected.`,
  },
  cancelJob: {
    apiOnly: true,
    run: async (on, input) => {
      const { cancelJob } = await on.ask(CANCEL, { id: input.id, key: `cancel:${input.id}` })
      return cancelJob.status === 'Cancelled'
        ? 'It is cancelled.'
        : `It is ${cancelJob.status.toLowerCase()}: a running job stops at its next step.`
    },
  },
  pauseSteward: {
    apiOnly: true,
    run: (on, { modelId, reason }) =>
      on
        .ask(PAUSE, { id: modelId, reason, key: `pause:${modelId}` })
        .then(() => `The steward of model ${modelId} is paused.`),
  },
  resumeSteward: {
    apiOnly: true,
    run: (on, { modelId }) =>
      on.ask(RESUME, { id: modelId, key: `resume:${modelId}` }).then(() => `The steward of model ${modelId} goes on.`),
  },
}
