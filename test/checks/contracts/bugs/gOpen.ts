import type { PlantedBug } from './plantedBug.ts'

export const gOpenBugs: readonly PlantedBug[] = [
  {
    name: 'a lock counts one wei too much',
    file: 'GOpen.sol',
    from: 'uint256 locked = lockedOf[msg.sender] + amount;',
    to: 'uint256 locked = lockedOf[msg.sender] + amount + 1;',
  },
  {
    name: 'a request leaves the vote',
    file: 'GOpen.sol',
    from: '_moveDelegateVotes(delegates(msg.sender), address(0), amount);',
    to: '',
  },
  {
    name: 'a second request does not wait anew',
    file: 'GOpen.sol',
    from: 'unlocking.availableAt = SafeCast.toUint64(block.timestamp + unlockDelay());',
    to: 'if (unlocking.availableAt == 0) unlocking.availableAt = SafeCast.toUint64(block.timestamp + unlockDelay());',
  },
  {
    name: 'unlocking does not outlast a late extension of the vote',
    file: 'GOpen.sol',
    from: ' + governor.lateQuorumVoteExtension()',
    to: '',
  },
  {
    name: 'an unlocking comes back again',
    file: 'GOpen.sol',
    from: 'delete unlockings[account];',
    to: '',
  },
  {
    name: 'tokens are sent before they are burnt',
    file: 'GOpen.sol',
    from: '        _burn(msg.sender, amount);\n        Address.sendValue(payable(msg.sender), amount);',
    to: '        uint256 left = balanceOf(msg.sender) - amount;\n        Address.sendValue(payable(msg.sender), amount);\n        _burn(msg.sender, balanceOf(msg.sender) - left);',
  },
  {
    name: 'plain gOPEN votes',
    file: 'GOpen.sol',
    from: 'return lockedOf[account];',
    to: 'return lockedOf[account] + balanceOf(account);',
  },
]
