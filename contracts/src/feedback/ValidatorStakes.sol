// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {IDisputes, IFeedbackPool} from "../interfaces.sol";

/// @title Stakes of validators, with their history (amendment 5a)
abstract contract ValidatorStakes is ReentrancyGuardTransient, IFeedbackPool {
    using SafeERC20 for IERC20;
    using Checkpoints for Checkpoints.Trace208;

    /// @notice An unsettled commitment holds the stake for at most this time after the last reveal deadline.
    uint256 public constant SETTLEMENT_WINDOW = 30 days;

    struct Validator {
        uint128 stake;
        uint64 openCommitments;
        uint64 lastRevealDeadline;
    }

    IERC20 public immutable token;
    IDisputes public immutable disputes;
    uint256 public immutable minStake;

    mapping(address validator => Validator) public validators;
    mapping(address validator => Checkpoints.Trace208) private _stakes;
    Checkpoints.Trace208 private _totalStake;

    event ValidatorStaked(address indexed validator, uint256 amount);
    event ValidatorUnstaked(address indexed validator, uint256 amount);

    /// @notice The amount is zero.
    error ZeroAmount();
    /// @notice The caller's stake is less than the amount.
    error InsufficientStake(uint256 staked, uint256 amount);
    /// @notice Commitments are not settled yet; they hold the stake until they are settled, or until that time.
    error CommitmentsOpen(uint256 count, uint256 until);
    /// @notice A dispute about one of the validator's judgements is open, or failed a short time ago.
    error Disputed(address validator);

    constructor(IERC20 token_, IDisputes disputes_, uint256 minStake_) {
        token = token_;
        disputes = disputes_;
        minStake = minStake_;
    }

    function stake(uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        _addStake(msg.sender, amount);
        emit ValidatorStaked(msg.sender, amount);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @notice Returns stake to the caller: not while commitments wait for settlement, nor while a judgement is disputed.
    function unstake(uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        Validator storage v = validators[msg.sender];
        if (v.stake < amount) revert InsufficientStake(v.stake, amount);
        uint256 until = uint256(v.lastRevealDeadline) + SETTLEMENT_WINDOW;
        if (v.openCommitments != 0 && block.timestamp <= until) revert CommitmentsOpen(v.openCommitments, until);
        if (disputes.holdsStakeOf(msg.sender)) revert Disputed(msg.sender);
        _takeStake(msg.sender, amount);
        emit ValidatorUnstaked(msg.sender, amount);
        token.safeTransfer(msg.sender, amount);
    }

    function stakeOf(address validator) external view returns (uint256) {
        return validators[validator].stake;
    }

    /// @notice The stake of a validator at the end of a block that is over.
    function stakeAt(address validator, uint256 blockNumber) public view returns (uint256) {
        return _stakes[validator].upperLookupRecent(SafeCast.toUint48(blockNumber));
    }

    /// @notice The stake of all validators at the end of a block that is over.
    function totalStakeAt(uint256 blockNumber) public view returns (uint256) {
        return _totalStake.upperLookupRecent(SafeCast.toUint48(blockNumber));
    }

    function _addStake(address validator, uint256 amount) private {
        uint128 held = SafeCast.toUint128(validators[validator].stake + amount);
        validators[validator].stake = held;
        _stakes[validator].push(uint48(block.number), held);
        _totalStake.push(uint48(block.number), SafeCast.toUint208(_totalStake.latest() + amount));
    }

    function _takeStake(address validator, uint256 amount) internal {
        uint128 held = validators[validator].stake - uint128(amount);
        validators[validator].stake = held;
        _stakes[validator].push(uint48(block.number), held);
        _totalStake.push(uint48(block.number), uint208(_totalStake.latest() - amount));
    }
}
