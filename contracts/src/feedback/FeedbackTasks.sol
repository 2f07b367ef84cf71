// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IDisputes, IFeedbackPool, IModelRegistry} from "../interfaces.sol";

/// @title Staked validators, funded tasks, and judgements by commit and reveal (rule 5)
abstract contract FeedbackTasks is AccessControl, ReentrancyGuardTransient, IFeedbackPool {
    using SafeERC20 for IERC20;

    bytes32 public constant SETTLER_ROLE = keccak256("SETTLER_ROLE");
    /// @notice An unsettled commitment holds the stake for at most this time after the last reveal deadline.
    uint256 public constant SETTLEMENT_WINDOW = 30 days;

    /// The value stored for a judgement when the commitment itself is no longer needed.
    bytes32 internal constant REVEALED = bytes32(uint256(1));
    bytes32 internal constant SETTLED = bytes32(uint256(2));
    bytes32 internal constant SETTLED_UNREVEALED = bytes32(uint256(3));

    /// `itemHash` names the artifact {prompt, answers, versions}.
    struct TaskInput {
        uint256 versionId;
        string domain;
        bytes32 itemHash;
        uint256 pot;
    }

    /// `choice`: 0 first answer, 1 second, 2 tie. The other judgements: 0 to 100.
    struct Reveal {
        uint256 taskId;
        uint8 choice;
        uint8 ethics;
        uint8 logic;
        uint8 functional;
        uint8 confidence;
        bytes32 salt;
    }

    struct Task {
        uint96 pot;
        uint64 modelId;
        uint32 commits;
        uint32 unsettled;
        bool settled;
        uint64 commitDeadline;
        uint64 revealDeadline;
        uint96 paid;
    }

    struct Validator {
        uint128 stake;
        uint64 openCommitments;
        uint64 lastRevealDeadline;
    }

    IERC20 public immutable token;
    IModelRegistry public immutable registry;
    IDisputes public immutable disputes;
    uint256 public immutable minStake;

    uint256 public taskCount;

    mapping(uint256 taskId => Task) public tasks;
    mapping(address validator => Validator) public validators;
    mapping(uint256 taskId => mapping(address validator => bytes32)) internal _judgements;

    event ValidatorStaked(address indexed validator, uint256 amount);
    event ValidatorUnstaked(address indexed validator, uint256 amount);
    event TaskOpened(
        uint256 indexed taskId,
        uint256 indexed modelId,
        uint256 indexed versionId,
        string domain,
        bytes32 itemHash,
        uint256 pot,
        uint64 commitDeadline,
        uint64 revealDeadline
    );
    event FeedbackCommitted(uint256 indexed taskId, address indexed validator, bytes32 commitment);
    event FeedbackRevealed(
        uint256 indexed taskId,
        address indexed validator,
        uint8 choice,
        uint8 ethics,
        uint8 logic,
        uint8 functional,
        uint8 confidence
    );

    /// @notice The amount is zero.
    error ZeroAmount();
    /// @notice The batch is empty.
    error EmptyBatch();
    /// @notice The arrays differ in length.
    error LengthMismatch();
    /// @notice A hash that must name something is zero.
    error EmptyHash();
    /// @notice No task has this id.
    error UnknownTask(uint256 taskId);
    /// @notice The model has no mandate yet.
    error NotIssued(uint256 modelId);
    /// @notice The version does not belong to the model.
    error VersionNotOfModel(uint256 versionId, uint256 modelId);
    /// @notice Deadlines must be in the future, the reveals' deadline after the commits'.
    error BadDeadlines(uint64 commitDeadline, uint64 revealDeadline);
    /// @notice The validator's stake is below the minimum; stake first.
    error StakeTooSmall(uint256 staked, uint256 minStake);
    /// @notice The caller's stake is less than the amount.
    error InsufficientStake(uint256 staked, uint256 amount);
    /// @notice Commitments are not settled yet; they hold the stake until they are settled, or until that time.
    error CommitmentsOpen(uint256 count, uint256 until);
    /// @notice A dispute about one of the validator's judgements is open, or failed a short time ago.
    error Disputed(address validator);
    /// @notice The commit deadline of this task has passed.
    error CommitsOver(uint256 taskId, uint64 deadline);
    /// @notice The validator has already committed to this task.
    error AlreadyCommitted(uint256 taskId);
    /// @notice The value is not a hash.
    error BadCommitment(bytes32 commitment);
    /// @notice Reveals of this task are accepted after its commit deadline.
    error RevealsNotOpen(uint256 taskId, uint64 opensAfter);
    /// @notice The reveal deadline of this task has passed.
    error RevealsOver(uint256 taskId, uint64 deadline);
    /// @notice The judgement does not match the commitment.
    error RevealMismatch(uint256 taskId);
    /// @notice A choice is 0, 1 or 2; the other judgements are 0 to 100.
    error BadJudgement(uint256 taskId);

    constructor(IERC20 token_, IModelRegistry registry_, IDisputes disputes_, uint256 minStake_) {
        token = token_;
        registry = registry_;
        disputes = disputes_;
        minStake = minStake_;
    }

    function stake(uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        validators[msg.sender].stake += SafeCast.toUint128(amount);
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
        v.stake -= uint128(amount);
        emit ValidatorUnstaked(msg.sender, amount);
        token.safeTransfer(msg.sender, amount);
    }

    /// @notice Commits to judgements: `keccak256(abi.encode(taskId, validator, choice, ethics, logic, functional, confidence, salt))`.
    function commit(uint256[] calldata taskIds, bytes32[] calldata commitments) external {
        if (taskIds.length == 0) revert EmptyBatch();
        if (commitments.length != taskIds.length) revert LengthMismatch();
        Validator memory v = validators[msg.sender];
        if (v.stake < minStake || v.stake == 0) revert StakeTooSmall(v.stake, minStake);
        for (uint256 i; i < taskIds.length; ++i) {
            Task storage task = _task(taskIds[i]);
            if (block.timestamp > task.commitDeadline) revert CommitsOver(taskIds[i], task.commitDeadline);
            if (uint256(commitments[i]) <= uint256(SETTLED_UNREVEALED)) revert BadCommitment(commitments[i]);
            if (_judgements[taskIds[i]][msg.sender] != 0) revert AlreadyCommitted(taskIds[i]);
            _judgements[taskIds[i]][msg.sender] = commitments[i];
            task.commits += 1;
            task.unsettled += 1;
            if (task.revealDeadline > v.lastRevealDeadline) v.lastRevealDeadline = task.revealDeadline;
            emit FeedbackCommitted(taskIds[i], msg.sender, commitments[i]);
        }
        v.openCommitments += uint64(taskIds.length);
        validators[msg.sender] = v;
    }

    /// @notice Reveals committed judgements, after the commit deadline and until the reveal deadline.
    function reveal(Reveal[] calldata reveals) external {
        if (reveals.length == 0) revert EmptyBatch();
        for (uint256 i; i < reveals.length; ++i) {
            Reveal calldata r = reveals[i];
            Task storage task = _task(r.taskId);
            if (block.timestamp <= task.commitDeadline) revert RevealsNotOpen(r.taskId, task.commitDeadline);
            if (block.timestamp > task.revealDeadline) revert RevealsOver(r.taskId, task.revealDeadline);
            if (r.choice > 2 || r.ethics > 100 || r.logic > 100 || r.functional > 100 || r.confidence > 100) {
                revert BadJudgement(r.taskId);
            }
            bytes32 commitment = keccak256(
                abi.encode(r.taskId, msg.sender, r.choice, r.ethics, r.logic, r.functional, r.confidence, r.salt)
            );
            if (_judgements[r.taskId][msg.sender] != commitment) revert RevealMismatch(r.taskId);
            _judgements[r.taskId][msg.sender] = REVEALED;
            emit FeedbackRevealed(r.taskId, msg.sender, r.choice, r.ethics, r.logic, r.functional, r.confidence);
        }
    }

    /// @notice Opens tasks for versions of one model. Their pots are transferred from the caller.
    /// @return firstId the id of the first; the others follow
    function openTasks(uint256 modelId, TaskInput[] calldata inputs, uint64 commitDeadline, uint64 revealDeadline)
        external
        onlyRole(SETTLER_ROLE)
        nonReentrant
        returns (uint256 firstId)
    {
        if (inputs.length == 0) revert EmptyBatch();
        if (commitDeadline <= block.timestamp || revealDeadline <= commitDeadline) {
            revert BadDeadlines(commitDeadline, revealDeadline);
        }
        if (!registry.mandateIssued(modelId)) revert NotIssued(modelId);
        firstId = taskCount + 1;
        taskCount += inputs.length;
        uint256 total;
        for (uint256 i; i < inputs.length; ++i) {
            total += _openTask(firstId + i, modelId, inputs[i], commitDeadline, revealDeadline);
        }
        if (total != 0) token.safeTransferFrom(msg.sender, address(this), total);
    }

    function stakeOf(address validator) external view returns (uint256) {
        return validators[validator].stake;
    }

    /// @notice Whether the validator revealed a judgement of the task.
    function hasRevealed(uint256 taskId, address validator) public view returns (bool) {
        bytes32 judgement = _judgements[taskId][validator];
        return judgement == REVEALED || judgement == SETTLED;
    }

    function _openTask(
        uint256 id,
        uint256 modelId,
        TaskInput calldata input,
        uint64 commitDeadline,
        uint64 revealDeadline
    ) private returns (uint256) {
        if (registry.modelOfVersion(input.versionId) != modelId) revert VersionNotOfModel(input.versionId, modelId);
        if (input.itemHash == 0) revert EmptyHash();
        Task storage task = tasks[id];
        task.pot = SafeCast.toUint96(input.pot);
        task.modelId = uint64(modelId);
        task.commitDeadline = commitDeadline;
        task.revealDeadline = revealDeadline;
        emit TaskOpened(
            id, modelId, input.versionId, input.domain, input.itemHash, input.pot, commitDeadline, revealDeadline
        );
        return input.pot;
    }

    function _task(uint256 taskId) internal view returns (Task storage task) {
        task = tasks[taskId];
        if (task.revealDeadline == 0) revert UnknownTask(taskId);
    }
}
