// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {FeedbackTasks} from "./feedback/FeedbackTasks.sol";
import {ValidatorStakes} from "./feedback/ValidatorStakes.sol";
import {IDisputes, IModelRegistry} from "./interfaces.sol";

/// @title Validators' judgements by commit and reveal, paid from funded pots, fined within bounds (rules 5 and 6)
/// @notice Invariant: the token balance is at least stakes + pots of unsettled tasks + unclaimed rewards.
contract FeedbackPool is FeedbackTasks {
    using SafeERC20 for IERC20;

    bytes32 public constant SLASHER_ROLE = keccak256("SLASHER_ROLE");
    /// @notice The largest part of a validator's stake that one round may take, basis points.
    uint256 public constant MAX_PENALTY_BPS = 500;
    uint256 private constant BPS = 10_000;
    uint32 private constant PPM = 1_000_000;

    struct Settlement {
        uint256 taskId;
        address validator;
        uint32 score;
        uint256 reward;
        uint256 penalty;
    }

    struct Penalty {
        uint128 stakeBefore;
        uint128 taken;
    }

    address public immutable treasury;

    mapping(address validator => uint256) public rewards;
    mapping(uint256 roundId => mapping(address validator => Penalty)) private _penalties;

    event FeedbackSettled(
        uint256 indexed taskId, address indexed validator, uint32 score, uint256 reward, uint256 penalty
    );
    event TaskSettled(uint256 indexed taskId, uint256 paid, uint256 returned, bytes32 evidenceHash);
    event RoundSettled(uint256 indexed roundId);
    event ReputationUpdated(address indexed validator, string domain, uint32 value, uint8 tier);
    event FeedbackRewardWithdrawn(address indexed validator, uint256 amount);
    event Slashed(
        address indexed account, uint256 indexed subjectId, string role, uint256 amount, bytes32 evidenceHash
    );

    /// @notice The round's gold tasks must be opened first (openGold), or its settlement window must be over.
    error GoldStillSealed(uint256 roundId);
    /// @notice The task belongs to another round.
    error TaskNotInRound(uint256 taskId, uint256 roundId);
    /// @notice The task is already settled.
    error AlreadySettled(uint256 taskId);
    /// @notice The settlement names a task that is not in this call.
    error TaskNotInCall(uint256 taskId);
    /// @notice The validator did not commit to this task, or is named twice.
    error NoCommitment(uint256 taskId, address validator);
    /// @notice Every validator who committed must be settled; `count` are missing.
    error ValidatorsMissing(uint256 taskId, uint256 count);
    /// @notice Only a revealed judgement is rewarded.
    error RewardWithoutReveal(uint256 taskId, address validator);
    /// @notice Scores, reputations and weights are at most 1,000,000 ppm.
    error ValueTooLarge(uint32 value);
    /// @notice The rewards exceed the task's pot.
    error RewardsExceedPot(uint256 taskId, uint256 rewards, uint256 pot);
    /// @notice There is nothing to withdraw.
    error NothingToWithdraw();

    constructor(
        IERC20 token_,
        IModelRegistry registry_,
        IDisputes disputes_,
        address treasury_,
        address timelock,
        address operator,
        uint256 minStake_
    ) ValidatorStakes(token_, disputes_, minStake_) FeedbackTasks(registry_) {
        treasury = treasury_;
        _grantRole(DEFAULT_ADMIN_ROLE, timelock);
        _grantRole(SLASHER_ROLE, address(disputes_));
        if (operator != address(0)) _grantRole(SETTLER_ROLE, operator);
    }

    /// @notice Settles tasks of one round, each once and completely: every validator who committed is named exactly once. Rewards do not exceed
    /// the pot; its remainder returns to the mandate. A round is settled in any number of calls; its penalties together do not
    /// exceed 5 % of the validator's stake before the first, and go to the treasury (amendment 5a).
    function settle(uint256 roundId, uint256[] calldata taskIds, Settlement[] calldata settlements, bytes32 evidenceHash)
        external
        onlyRole(SETTLER_ROLE)
        nonReentrant
    {
        if (taskIds.length == 0) revert EmptyBatch();
        if (evidenceHash == 0) revert EmptyHash();
        Round storage round = _round(roundId);
        if (block.timestamp <= round.revealDeadline) revert RoundStillOpen(roundId, round.revealDeadline);
        if (round.goldCommitment != 0 && !round.goldOpened && block.timestamp <= round.revealDeadline + SETTLEMENT_WINDOW)
        {
            revert GoldStillSealed(roundId);
        }
        for (uint256 i; i < taskIds.length; ++i) _beginSettlement(roundId, taskIds[i]);
        uint256 fined;
        for (uint256 i; i < settlements.length; ++i) fined += _settleOne(roundId, settlements[i]);
        for (uint256 i; i < taskIds.length; ++i) _endSettlement(round.modelId, taskIds[i], evidenceHash);
        round.unsettledTasks -= taskIds.length;
        if (round.unsettledTasks == 0) emit RoundSettled(roundId);
        if (fined != 0) token.safeTransfer(treasury, fined);
    }

    /// @notice Records reputations (ppm) and tiers of a domain (rule 6).
    function updateReputation(
        address[] calldata accounts,
        string calldata domain,
        uint32[] calldata values,
        uint8[] calldata tiers
    ) external onlyRole(SETTLER_ROLE) {
        if (values.length != accounts.length || tiers.length != accounts.length) revert LengthMismatch();
        for (uint256 i; i < accounts.length; ++i) {
            if (values[i] > PPM) revert ValueTooLarge(values[i]);
            emit ReputationUpdated(accounts[i], domain, values[i], tiers[i]);
        }
    }

    /// @notice Pays the caller the rewards of settlements.
    function withdrawRewards() external nonReentrant {
        uint256 amount = rewards[msg.sender];
        if (amount == 0) revert NothingToWithdraw();
        rewards[msg.sender] = 0;
        emit FeedbackRewardWithdrawn(msg.sender, amount);
        token.safeTransfer(msg.sender, amount);
    }

    /// @notice Takes at most `amount` of a validator's stake for a judgement and transfers it to the caller, the disputes contract.
    function slash(uint256 taskId, address validator, uint256 amount, bytes32 evidenceHash)
        external
        onlyRole(SLASHER_ROLE)
        nonReentrant
        returns (uint256 taken)
    {
        if (!hasRevealed(taskId, validator)) revert NoCommitment(taskId, validator);
        uint256 held = validators[validator].stake;
        taken = amount < held ? amount : held;
        _takeStake(validator, taken);
        emit Slashed(validator, (taskId << 160) | uint160(validator), "validator", taken, evidenceHash);
        if (taken != 0) token.safeTransfer(msg.sender, taken);
    }

    function _beginSettlement(uint256 roundId, uint256 taskId) private {
        Task storage task = _task(taskId);
        if (task.roundId != roundId) revert TaskNotInRound(taskId, roundId);
        if (task.settled) revert AlreadySettled(taskId);
        task.settled = true;
    }

    function _settleOne(uint256 roundId, Settlement calldata s) private returns (uint256) {
        Task storage task = _task(s.taskId);
        // `paid` of a settled task is final once `unsettled` is 0: an older task has no commitment left to settle.
        if (!task.settled) revert TaskNotInCall(s.taskId);
        if (s.score > PPM) revert ValueTooLarge(s.score);
        bytes32 judgement = _judgements[s.taskId][s.validator];
        if (judgement == 0 || judgement == SETTLED || judgement == SETTLED_UNREVEALED) {
            revert NoCommitment(s.taskId, s.validator);
        }
        if (judgement != REVEALED && s.reward != 0) revert RewardWithoutReveal(s.taskId, s.validator);
        _judgements[s.taskId][s.validator] = judgement == REVEALED ? SETTLED : SETTLED_UNREVEALED;
        task.unsettled -= 1;
        if (s.reward != 0) {
            uint256 paid = task.paid + s.reward;
            if (paid > task.pot) revert RewardsExceedPot(s.taskId, paid, task.pot);
            task.paid = uint96(paid);
            rewards[s.validator] += s.reward;
        }
        validators[s.validator].openCommitments -= 1;
        uint256 fined = s.penalty == 0 ? 0 : _fine(roundId, s.validator, s.penalty);
        emit FeedbackSettled(s.taskId, s.validator, s.score, s.reward, fined);
        return fined;
    }

    /// @dev Takes what is left, at most, of 5 % of the stake that the validator had before the round's first fine: another round may have taken of it since the
    /// penalty was computed, and nobody's fine may keep others from being paid.
    function _fine(uint256 roundId, address validator, uint256 amount) private returns (uint256 taken) {
        Penalty storage penalty = _penalties[roundId][validator];
        uint256 held = validators[validator].stake;
        if (penalty.taken == 0) penalty.stakeBefore = uint128(held);
        uint256 left = uint256(penalty.stakeBefore) * MAX_PENALTY_BPS / BPS - penalty.taken;
        taken = amount < left ? amount : left;
        if (taken > held) taken = held;
        if (taken == 0) return 0;
        penalty.taken += uint128(taken);
        _takeStake(validator, taken);
    }

    function _endSettlement(uint256 modelId, uint256 taskId, bytes32 evidenceHash) private {
        Task storage task = tasks[taskId];
        if (task.unsettled != 0) revert ValidatorsMissing(taskId, task.unsettled);
        uint256 returned = task.pot - task.paid;
        emit TaskSettled(taskId, task.paid, returned, evidenceHash);
        if (returned != 0) {
            token.forceApprove(address(registry), returned);
            registry.fundMandate(modelId, returned);
        }
    }
}
