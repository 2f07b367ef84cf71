// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {IGuardian} from "./interfaces.sol";

/// @title The guardian: one account that can hold money still for a short time, and cancel what waits in the timelock (amendment 10b)
/// @notice While it pauses, no mandate's budget is spent, no verdict of a resolver is carried out and no reward is claimed. It pauses for at most
/// `pauseTime` in any three times that long. It can cancel every proposal that waits in the timelock, except one that does nothing but replace it.
contract Guardian is IGuardian {
    TimelockController public immutable timelock;
    /// @notice The Governor whose proposals wait in the timelock.
    address public immutable governor;
    /// @notice Seconds of one pause.
    uint256 public immutable pauseTime;

    address public guardian;
    uint256 public pausedUntil;
    /// @notice The next pause may begin at that time.
    uint256 public nextPauseAt;

    event GuardianChanged(address indexed guardian);
    event Paused(uint256 until, uint256 nextPauseAt);
    event Unpaused();
    event OperationCancelled(bytes32 indexed operation);

    /// @notice The caller is not the guardian.
    error NotGuardian(address caller);
    /// @notice Only the timelock may do this, by a proposal that passed.
    error OnlyTimelock(address caller);
    /// @notice A pause may begin at that time at the earliest.
    error PausedTooRecently(uint256 nextPauseAt);
    /// @notice A proposal that only replaces the guardian cannot be cancelled by it.
    error CannotKeepOffice();

    modifier onlyGuardian() {
        if (msg.sender != guardian) revert NotGuardian(msg.sender);
        _;
    }

    constructor(TimelockController timelock_, address governor_, address guardian_, uint256 pauseTime_) {
        timelock = timelock_;
        governor = governor_;
        pauseTime = pauseTime_;
        guardian = guardian_;
        emit GuardianChanged(guardian_);
    }

    function isPaused() external view returns (bool) {
        return block.timestamp < pausedUntil;
    }

    /// @notice Pauses for `pauseTime`.
    function pause() external onlyGuardian {
        if (block.timestamp < nextPauseAt) revert PausedTooRecently(nextPauseAt);
        pausedUntil = block.timestamp + pauseTime;
        nextPauseAt = block.timestamp + 3 * pauseTime;
        emit Paused(pausedUntil, nextPauseAt);
    }

    /// @notice Ends the pause early.
    function unpause() external onlyGuardian {
        pausedUntil = 0;
        emit Unpaused();
    }

    /// @notice Cancels a queued proposal of the Governor; the arguments are those of `governor.queue`.
    function cancel(
        address[] calldata targets,
        uint256[] calldata values,
        bytes[] calldata payloads,
        bytes32 descriptionHash
    ) external onlyGuardian {
        if (targets.length == 1 && targets[0] == address(this)) revert CannotKeepOffice();
        bytes32 salt = bytes20(governor) ^ descriptionHash;
        bytes32 operation = timelock.hashOperationBatch(targets, values, payloads, 0, salt);
        emit OperationCancelled(operation);
        timelock.cancel(operation);
    }

    /// @notice Names another guardian; the zero address for none. The timelock only.
    function setGuardian(address guardian_) external {
        if (msg.sender != address(timelock)) revert OnlyTimelock(msg.sender);
        guardian = guardian_;
        emit GuardianChanged(guardian_);
    }
}
