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
    name: 'fines of a round are bounded one by one',
    file: 'FeedbackPool.sol',
    from: 'MAX_PENALTY_BPS / BPS - penalty.taken;',
    to: 'MAX_PENALTY_BPS / BPS;',
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
    from: '        _takeStake(validator, taken);\n        emit',
    to: '        emit',
  },
  {
    name: 'stake leaves while judgements are unsettled',
    file: 'feedback/ValidatorStakes.sol',
    from: 'if (v.openCommitments != 0 && block.timestamp <= until) revert CommitmentsOpen(v.openCommitments, until);',
    to: '',
  },
  {
    name: 'stake leaves while a judgement is disputed',
    file: 'feedback/ValidatorStakes.sol',
    from: 'if (disputes.holdsStakeOf(msg.sender)) revert Disputed(msg.sender);',
    to: '',
  },
  {
    name: 'a stake that came after the opening has seats',
    file: 'feedback/FeedbackTasks.sol',
    from: 'return opening < present ? opening : present;',
    to: 'return opening < present ? present : present;',
  },
  {
    name: 'gold is opened while judgements can be revealed',
    file: 'feedback/FeedbackTasks.sol',
    from: 'if (block.timestamp <= round.revealDeadline) revert RoundStillOpen(roundId, round.revealDeadline);',
    to: '',
  },
  {
    name: 'gold is opened with any secret',
    file: 'feedback/FeedbackTasks.sol',
    from: 'round.goldOpened || keccak256(abi.encode(secret)) != round.goldCommitment',
    to: 'round.goldOpened',
  },
  {
    name: 'a round is settled while its gold is sealed',
    file: 'FeedbackPool.sol',
    from: 'round.goldCommitment != 0 && !round.goldOpened',
    to: 'round.goldCommitment == 0 && !round.goldOpened',
  },
  {
    name: 'the total keeps what was unstaked',
    file: 'feedback/ValidatorStakes.sol',
    from: '_totalStake.push(uint48(block.number), uint208(_totalStake.latest() - amount));',
    to: '',
  },
]
