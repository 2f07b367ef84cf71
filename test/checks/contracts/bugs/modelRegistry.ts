import type { PlantedBug } from './plantedBug.ts'

export const modelRegistryBugs: readonly PlantedBug[] = [
  {
    name: 'stake is returned that nobody has',
    file: 'models/Mandates.sol',
    from: 'if (staked < amount) revert InsufficientStake(staked, amount);\n        stakeOf[modelId][msg.sender] = staked - amount;',
    to: 'stakeOf[modelId][msg.sender] = staked > amount ? staked - amount : 0;',
  },
  {
    name: 'a mandate spends all on one day',
    file: 'models/Mandates.sol',
    from: 'if (spent + amount > cap) revert ExceedsDailyCap(amount, cap > spent ? cap - spent : 0);',
    to: '',
  },
  {
    name: 'a mandate spends in parts what it may not spend at once',
    file: 'models/Mandates.sol',
    from: 'spentOn[modelId][day] = spent + amount;',
    to: '',
  },
  {
    name: 'a pause does not stop spending',
    file: 'models/Mandates.sol',
    from: 'if (guardian.isPaused()) revert GuardianPaused();',
    to: '',
  },
  {
    name: 'what was spent is still counted',
    file: 'models/Mandates.sol',
    from: 'model.funds -= amount;\n        accounted -= amount;',
    to: 'accounted -= amount;',
  },
  {
    name: 'a mandate is closed early',
    file: 'models/Mandates.sol',
    from: 'if (model.deadline > block.timestamp) revert MandateRuns(model.deadline);',
    to: '',
  },
  {
    name: 'a bond is settled twice',
    file: 'models/Proposals.sol',
    from: 'model.bondSettled = true;',
    to: '',
  },
  {
    name: 'a settled bond is still owed',
    file: 'models/Proposals.sol',
    from: 'accounted -= model.bond;',
    to: '',
  },
  {
    name: 'the treasury pays all in one period',
    file: 'Treasury.sol',
    from: 'uint256 share = (held + paid) * maxShareBps / BPS;',
    to: 'uint256 share = held + paid;',
  },
  {
    name: 'the treasury pays its share again and again',
    file: 'Treasury.sol',
    from: 'paidIn[index] = paid + amount;',
    to: '',
  },
]
