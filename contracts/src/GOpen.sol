// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {Votes} from "@openzeppelin/contracts/governance/utils/Votes.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ModelGovernor} from "./ModelGovernor.sol";

/// @title gOPEN: the chain's native token wrapped 1:1, with permits, and with votes for what is locked (amendment 8a)
/// @notice Plain gOPEN moves and unwraps at once, and does not vote. Locked gOPEN votes, cannot move, and comes back only when every
/// proposal on which it could vote could have been executed: so who decides is exposed to the decision.
/// Invariants: `totalSupply() <= address(this).balance`, equal unless somebody forces native tokens into the contract;
/// `balanceOf(address(this)) >=` the locked and unlocking amounts of all accounts.
contract GOpen is ERC20, ERC20Permit, ERC20Votes {
    struct Unlocking {
        uint192 amount;
        uint64 availableAt;
    }

    /// @notice Whose voting delay, voting period, late extension and timelock an unlocking outlasts.
    ModelGovernor public immutable governor;

    /// @notice The locked gOPEN of an account: its voting units.
    mapping(address account => uint256) public lockedOf;
    /// @notice What an account has asked to unlock; it votes no more and comes back at `availableAt`.
    mapping(address account => Unlocking) public unlockings;

    /// Every token of this contract votes only while it is locked.
    event VotesNeedLock();
    /// `locked`: what the account has locked from now on.
    event VotesLocked(address indexed account, uint256 amount, uint256 locked);
    event UnlockRequested(address indexed account, uint256 amount, uint256 locked, uint64 availableAt);
    event VotesUnlocked(address indexed account, uint256 amount);

    /// @notice An amount of nothing.
    error ZeroAmount();
    /// @notice The account has locked less than the amount.
    error InsufficientLocked(address account, uint256 locked, uint256 amount);
    /// @notice The amount comes back at that time; 0 when nothing is unlocking.
    error StillLocked(address account, uint64 availableAt);

    constructor(ModelGovernor governor_) ERC20("Governance OPEN", "gOPEN") ERC20Permit("Governance OPEN") {
        governor = governor_;
        emit VotesNeedLock();
    }

    receive() external payable {
        deposit();
    }

    /// @notice Wraps the native tokens sent with the call.
    function deposit() public payable {
        if (msg.value == 0) revert ZeroAmount();
        _mint(msg.sender, msg.value);
    }

    /// @notice Unwraps `amount` and sends the native tokens to the caller. The burn comes before the send.
    function withdraw(uint256 amount) external {
        if (amount == 0) revert ZeroAmount();
        _burn(msg.sender, amount);
        Address.sendValue(payable(msg.sender), amount);
    }

    /// @notice Locks the caller's gOPEN: its delegate votes with it.
    function lock(uint256 amount) external {
        if (amount == 0) revert ZeroAmount();
        uint256 locked = lockedOf[msg.sender] + amount;
        lockedOf[msg.sender] = locked;
        emit VotesLocked(msg.sender, amount, locked);
        _transfer(msg.sender, address(this), amount);
        _moveDelegateVotes(address(0), delegates(msg.sender), amount);
    }

    /// @notice Takes the vote from locked gOPEN at once, and returns it by `unlock` after `unlockDelay()`. What is unlocking already
    /// waits with it for the new time.
    function requestUnlock(uint256 amount) external {
        if (amount == 0) revert ZeroAmount();
        uint256 locked = lockedOf[msg.sender];
        if (locked < amount) revert InsufficientLocked(msg.sender, locked, amount);
        locked -= amount;
        lockedOf[msg.sender] = locked;
        Unlocking storage unlocking = unlockings[msg.sender];
        unlocking.amount += SafeCast.toUint192(amount);
        unlocking.availableAt = SafeCast.toUint64(block.timestamp + unlockDelay());
        emit UnlockRequested(msg.sender, amount, locked, unlocking.availableAt);
        _moveDelegateVotes(delegates(msg.sender), address(0), amount);
    }

    /// @notice Returns to the account what it has asked to unlock. Anyone may call it.
    function unlock(address account) external {
        Unlocking memory unlocking = unlockings[account];
        if (unlocking.amount == 0 || block.timestamp < unlocking.availableAt) {
            revert StillLocked(account, unlocking.availableAt);
        }
        delete unlockings[account];
        emit VotesUnlocked(account, unlocking.amount);
        _transfer(address(this), account, unlocking.amount);
    }

    /// @notice Seconds from a request to the return: the longest way of a proposal from its creation to its execution. Who could vote at a
    /// snapshot has its gOPEN locked until what was decided there can have been executed.
    function unlockDelay() public view returns (uint256) {
        return governor.votingDelay() + governor.votingPeriod() + governor.lateQuorumVoteExtension()
            + TimelockController(payable(governor.timelock())).getMinDelay();
    }

    function clock() public view override returns (uint48) {
        return uint48(block.timestamp);
    }

    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Votes) {
        super._update(from, to, value);
    }

    /// @dev Minting and burning change the supply, of which the quorum is a share. No transfer moves votes: they are registered for this
    /// contract, which has no delegate.
    function _transferVotingUnits(address from, address to, uint256 amount) internal override(Votes) {
        if (from == address(0)) super._transferVotingUnits(from, address(this), amount);
        else if (to == address(0)) super._transferVotingUnits(address(this), to, amount);
    }

    function _getVotingUnits(address account) internal view override(ERC20Votes) returns (uint256) {
        return lockedOf[account];
    }
}
