/** A change of a contract after which an invariant no longer holds. `from` stands once in `file`. */
export type ContractBug = { name: string; suite: string; file: string; from: string; to: string }

/** Deliberate bugs: `npm run check -- contracts --only bugs` plants each and lets the invariants find it. */
export const contractBugs: readonly ContractBug[] = [
  {
    name: 'a lock counts one wei too much',
    suite: 'GOpen',
    file: 'GOpen.sol',
    from: 'uint256 locked = lockedOf[msg.sender] + amount;',
    to: 'uint256 locked = lockedOf[msg.sender] + amount + 1;',
  },
  {
    name: 'a request leaves the vote',
    suite: 'GOpen',
    file: 'GOpen.sol',
    from: '_moveDelegateVotes(delegates(msg.sender), address(0), amount);',
    to: '',
  },
  {
    name: 'a second request does not wait anew',
    suite: 'GOpen',
    file: 'GOpen.sol',
    from: 'unlocking.availableAt = SafeCast.toUint64(block.timestamp + unlockDelay());',
    to: 'if (unlocking.availableAt == 0) unlocking.availableAt = SafeCast.toUint64(block.timestamp + unlockDelay());',
  },
  {
    name: 'unlocking does not outlast a late extension of the vote',
    suite: 'GOpen',
    file: 'GOpen.sol',
    from: ' + governor.lateQuorumVoteExtension()',
    to: '',
  },
  {
    name: 'an unlocking comes back again',
    suite: 'GOpen',
    file: 'GOpen.sol',
    from: 'delete unlockings[account];',
    to: '',
  },
  {
    name: 'tokens are sent before they are burnt',
    suite: 'GOpen',
    file: 'GOpen.sol',
    from: '        _burn(msg.sender, amount);\n        Address.sendValue(payable(msg.sender), amount);',
    to: '        uint256 left = balanceOf(msg.sender) - amount;\n        Address.sendValue(payable(msg.sender), amount);\n        _burn(msg.sender, balanceOf(msg.sender) - left);',
  },
  {
    name: 'plain gOPEN votes',
    suite: 'GOpen',
    file: 'GOpen.sol',
    from: 'return lockedOf[account];',
    to: 'return lockedOf[account] + balanceOf(account);',
  },
]
