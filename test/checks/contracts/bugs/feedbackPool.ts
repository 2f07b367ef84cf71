import type { PlantedBug } from './plantedBug.ts'

export const feedbackPoolBugs: readonly PlantedBug[] = [
  {
    name: 'rewards exceed the pot',
    file: 'FeedbackPool.sol',
    from: 'if (paid > task.pot) revert RewardsExceedPot(s.taskId, paid, task.pot);',
    to: 'if (paid > task.pot) paid = task.pot;',
  },
  {
    name: 'rewards are paid again',
    file: 'FeedbackPool.sol',
    from: 'rewards[msg.sender] = 0;',
    to: '',
  },
  {
    name: 'fines of a settlement are bounded one by one',
    file: 'FeedbackPool.sol',
    from: 'uint256 taken = penalty.taken + amount;',
    to: 'uint256 taken = amount;',
  },
  {
    name: 'fines stay in the pool',
    file: 'FeedbackPool.sol',
    from: 'if (fined != 0) token.safeTransfer(treasury, fined);',
    to: '',
  },
  {
    name: 'an unrevealed judgement is paid',
    file: 'FeedbackPool.sol',
    from: 'judgement != REVEALED && s.reward != 0',
    to: 'judgement == SETTLED && s.reward != 0',
  },
  {
    name: 'a task is settled twice',
    file: 'FeedbackPool.sol',
    from: 'if (task.settled) revert AlreadySettled(taskId);',
    to: '',
  },
  {
    name: 'a settlement may leave validators out',
    file: 'FeedbackPool.sol',
    from: 'if (task.unsettled != 0) revert ValidatorsMissing(taskId, task.unsettled);',
    to: '',
  },
  {
    name: 'a slashed stake is still counted',
    file: 'FeedbackPool.sol',
    from: 'v.stake -= uint128(taken);',
    to: '',
  },
  {
    name: 'stake leaves while judgements are unsettled',
    file: 'feedback/FeedbackTasks.sol',
    from: 'if (v.openCommitments != 0 && block.timestamp <= until) revert CommitmentsOpen(v.openCommitments, until);',
    to: '',
  },
  {
    name: 'stake leaves while a judgement is disputed',
    file: 'feedback/FeedbackTasks.sol',
    from: 'if (disputes.holdsStakeOf(msg.sender)) revert Disputed(msg.sender);',
    to: '',
  },
]
