import type { ContractName } from '#contracts/events.ts'
import { datanets } from './datanets.ts'
import { disputes } from './disputes.ts'
import { evaluations } from './evaluations.ts'
import type { EventHandlers } from './eventContext.ts'
import { feedback } from './feedback.ts'
import { governor } from './governor.ts'
import { market } from './market.ts'
import { models } from './models.ts'
import { rewards } from './rewards.ts'
import { timelock } from './timelock.ts'
import { token } from './token.ts'

/** The handler of every event of every contract. */
export const handlers: { [C in ContractName]: EventHandlers<C> } = {
  GOpen: token,
  ModelGovernor: governor,
  TimelockController: timelock,
  Guardian: { GuardianChanged: null, Paused: null, Unpaused: null, OperationCancelled: null },
  Treasury: { Paid: null, OwnershipTransferred: null },
  ModelRegistry: models,
  EvaluationRegistry: evaluations,
  DatanetRegistry: datanets,
  FeedbackPool: feedback,
  InferenceMarket: market,
  RewardDistributor: rewards,
  Disputes: disputes,
}
