import type { PlantedBug } from './plantedBug.ts'

export const datanetRegistryBugs: readonly PlantedBug[] = [
  {
    name: 'a commitment is used twice',
    file: 'DatanetRegistry.sol',
    from: 'committedAt[contributor][commitment] = USED;',
    to: '',
  },
  {
    name: 'a used commitment is made again',
    file: 'DatanetRegistry.sol',
    from: 'since == USED || (since != 0 && block.number <= since + COMMITMENT_BLOCKS)',
    to: 'since != USED && since != 0 && block.number <= since + COMMITMENT_BLOCKS',
  },
  {
    name: 'no signature is checked',
    file: 'DatanetRegistry.sol',
    from: '_checkSignature(datanetId, contributor, contentsHash, stakeEach, deadline, signature);',
    to: '',
  },
  {
    name: 'a batch is submitted in the block of its commitment',
    file: 'DatanetRegistry.sol',
    from: 'if (since >= block.number) revert CommitmentTooFresh(commitment);',
    to: '',
  },
  {
    name: 'one stake is taken for a batch',
    file: 'DatanetRegistry.sol',
    from: 'stakeEach * contentHashes.length',
    to: 'stakeEach',
  },
  {
    name: 'a forfeited fee stays in the registry',
    file: 'DatanetRegistry.sol',
    from: 'if (forfeited != 0) token.safeTransfer(treasury, forfeited);',
    to: '',
  },
  {
    name: 'a forfeited fee is still staked',
    file: 'DatanetRegistry.sol',
    from: 'c.stake -= uint96(fee);',
    to: '',
  },
  {
    name: 'a stake is returned again',
    file: 'DatanetRegistry.sol',
    from: 'c.stake = 0;',
    to: '',
  },
  {
    name: 'somebody else takes the stake',
    file: 'DatanetRegistry.sol',
    from: 'if (c.contributor != msg.sender) revert NotContributor(ids[i], c.contributor);',
    to: '',
  },
  {
    name: 'a stake leaves before its hold is over',
    file: 'DatanetRegistry.sol',
    from: 'if (block.timestamp < until) revert StakeHeld(ids[i], until);',
    to: '',
  },
  {
    name: 'a stake leaves while its contribution is disputed',
    file: 'DatanetRegistry.sol',
    from: 'if (disputes.isHeld(Subject.Contribution, ids[i])) revert Disputed(ids[i]);',
    to: '',
  },
  {
    name: 'a bounty exceeds the bond',
    file: 'Disputes.sol',
    from: 'uint256 bounty = slashed / 2 < d.bond ? slashed / 2 : d.bond;',
    to: 'uint256 bounty = slashed / 2;',
  },
  {
    name: 'a dispute is closed twice',
    file: 'Disputes.sol',
    from: 'if (d.outcome != 0) revert AlreadyResolved(disputeId);',
    to: '',
  },
  {
    name: 'a verdict takes effect at once',
    file: 'Disputes.sol',
    from: 'if (block.timestamp < dueAt) revert NotDue(disputeId, dueAt);',
    to: '',
  },
  {
    name: 'a pause does not stop verdicts',
    file: 'Disputes.sol',
    from: 'if (guardian.isPaused()) revert GuardianPaused();',
    to: '',
  },
  {
    name: 'a failed dispute does not hold its subject',
    file: 'Disputes.sol',
    from: 'heldUntil[d.kind][d.subjectId] = until;',
    to: '',
  },
  {
    name: 'two disputes about one subject',
    file: 'Disputes.sol',
    from: '(earlier != 0 && !endsEarlier) || wasUpheld[kind][subjectId]',
    to: 'wasUpheld[kind][subjectId]',
  },
]
