import type { PlantedBug } from './plantedBug.ts'

export const rewardDistributorBugs: readonly PlantedBug[] = [
  {
    name: 'maps declare more than the funds',
    file: 'RewardDistributor.sol',
    from: 'if (soFar + total > totalFunded) revert TotalExceedsFunds(total, totalFunded - soFar);',
    to: '',
  },
  {
    name: 'claims exceed what the maps declare',
    file: 'RewardDistributor.sol',
    from: 'if (amount > available) revert ExceedsPayable(amount, available);',
    to: '',
  },
  {
    name: 'a reward is claimed again',
    file: 'RewardDistributor.sol',
    from: 'claimed[account] = cumulative;',
    to: '',
  },
  {
    name: 'no proof is checked',
    file: 'RewardDistributor.sol',
    from: 'if (!MerkleProof.verifyCalldata(',
    to: 'if (cumulative == 0 && !MerkleProof.verifyCalldata(',
  },
  {
    name: 'a disputed map is final',
    file: 'RewardDistributor.sol',
    from: '&& !disputes.isHeld(Subject.RewardMap, epoch)',
    to: '',
  },
  {
    name: 'a replaced map pays',
    file: 'RewardDistributor.sol',
    from: 'if (epoch < newest) revert Superseded(epoch, newest);',
    to: '',
  },
  {
    name: 'a pause does not stop claims',
    file: 'RewardDistributor.sol',
    from: 'if (guardian.isPaused()) revert GuardianPaused();',
    to: '',
  },
  {
    name: 'a bond comes back again',
    file: 'RewardDistributor.sol',
    from: 'maps[epoch].bonded = address(0);',
    to: '',
  },
  {
    name: 'the bond of a wrong map comes back',
    file: 'RewardDistributor.sol',
    from: 'last == epoch ? treasury : maps[last].bonded',
    to: 'maps[last].bonded',
  },
  {
    name: 'strangers publish at once',
    file: 'RewardDistributor.sol',
    from: 'if (block.number <= until) revert PublishersTurn(epoch, until);',
    to: '',
  },
]
