// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IDisputes, IModelRegistry} from "../interfaces.sol";
import {ValidatorStakes} from "./ValidatorStakes.sol";

/// @title Rounds of funded tasks, seats drawn by stake, and judgements by commit and reveal (rule 5, amendment 5a)
/// @notice Who commits to a task needs a seat: `hash(seed, taskId, validator) / 2^256 < 2^stage * seats * stake / totalStake`. Stakes count as of the
/// block before the round was opened, and the seed is the hash of a block after it, so that nobody chooses an address or a stake by the draw.
/// The commit phase has sixteen stages; in each, the chance doubles for tasks that had too few commitments.
abstract contract FeedbackTasks is AccessControl, ValidatorStakes {
    using SafeERC20 for IERC20;

    bytes32 public constant SETTLER_ROLE = keccak256("SETTLER_ROLE");
    uint256 public constant MAX_SEATS = 60;
    /// @notice A task accepts at most this many commitments for each of its seats, so that a settlement's gas is bounded.
    uint256 public constant MAX_COMMITS_PER_SEAT = 4;
    /// @notice The commit phase has this many stages of equal length.
    uint256 public constant COMMIT_STAGES = 16;
    /// @notice The seed of a round is the hash of the block this many blocks after its opening.
    uint256 public constant SEED_DELAY = 1;

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

    /// `seats`: the expected weight of the judgements of a task. `totalStake`: of all validators in the block before `openedBlock`.
    struct Round {
        uint64 modelId;
        uint64 openedAt;
        uint64 commitDeadline;
        uint64 revealDeadline;
        uint128 totalStake;
        uint48 openedBlock;
        uint48 seedBlock;
        uint8 seats;
        bool goldOpened;
        bytes32 seed;
        bytes32 goldCommitment;
        uint256 unsettledTasks;
    }

    /// `stage`: the latest at which somebody committed.
    struct Task {
        uint96 pot;
        uint96 paid;
        uint32 roundId;
        uint8 commits;
        uint8 unsettled;
        uint8 stage;
        bool settled;
    }

    IModelRegistry public immutable registry;

    uint256 public roundCount;
    uint256 public taskCount;

    mapping(uint256 roundId => Round) private _rounds;
    mapping(uint256 taskId => Task) public tasks;
    mapping(uint256 taskId => mapping(address validator => bytes32)) internal _judgements;

    event RoundOpened(
        uint256 indexed roundId,
        uint256 indexed modelId,
        uint256 firstTaskId,
        uint256 tasks,
        uint8 seats,
        uint256 totalStake,
        bytes32 goldCommitment,
        uint64 commitDeadline,
        uint64 revealDeadline
    );
    event TaskOpened(
        uint256 indexed taskId,
        uint256 indexed roundId,
        uint256 indexed versionId,
        string domain,
        bytes32 itemHash,
        uint256 pot
    );
    event SeatsDrawn(uint256 indexed roundId, bytes32 seed);
    event DrawPostponed(uint256 indexed roundId, uint256 seedBlock);
    event FeedbackCommitted(
        uint256 indexed taskId, address indexed validator, bytes32 commitment, uint256 seatStake, uint8 stage
    );
    event FeedbackRevealed(
        uint256 indexed taskId,
        address indexed validator,
        uint8 choice,
        uint8 ethics,
        uint8 logic,
        uint8 functional,
        uint8 confidence
    );
    event GoldOpened(uint256 indexed roundId, bytes32 secret);

    /// @notice The batch is empty.
    error EmptyBatch();
    /// @notice The arrays differ in length.
    error LengthMismatch();
    /// @notice A hash that must name something is zero.
    error EmptyHash();
    /// @notice No round has this id.
    error UnknownRound(uint256 roundId);
    /// @notice No task has this id.
    error UnknownTask(uint256 taskId);
    /// @notice The model has no mandate yet.
    error NotIssued(uint256 modelId);
    /// @notice The version does not belong to the model.
    error VersionNotOfModel(uint256 versionId, uint256 modelId);
    /// @notice Deadlines must be in the future, the reveals' deadline after the commits'.
    error BadDeadlines(uint64 commitDeadline, uint64 revealDeadline);
    /// @notice A round has 1 to 60 seats at each task.
    error BadSeats(uint256 seats, uint256 most);
    /// @notice The seats of this round are already drawn.
    error AlreadyDrawn(uint256 roundId);
    /// @notice The seats are drawn by the hash of this block: try again after it. When it is more than 256 blocks old, call drawSeats.
    error DrawPending(uint256 roundId, uint256 seedBlock);
    /// @notice The validator's stake is below the minimum; stake before the next round is opened.
    error StakeTooSmall(uint256 staked, uint256 minStake);
    /// @notice The validator has no seat at this task. While it has too few commitments, each stage of the commit phase doubles the chance.
    error NoSeat(uint256 taskId, address validator);
    /// @notice The task has as many commitments as a settlement can pay.
    error TaskFull(uint256 taskId);
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
    /// @notice The round's reveals are accepted until this time.
    error RoundStillOpen(uint256 roundId, uint64 revealDeadline);
    /// @notice The secret does not fit the round's commitment, or there is none that is still closed.
    error GoldMismatch(uint256 roundId);

    constructor(IModelRegistry registry_) {
        registry = registry_;
    }

    /// @notice Opens tasks for versions of one model as one round. Their pots are transferred from the caller. The gold tasks among them are
    /// committed to by `goldCommitment`, the hash of a secret; 0 when there are none.
    /// @return firstId the id of the first task; the others follow
    function openRound(
        uint256 modelId,
        TaskInput[] calldata inputs,
        uint64 commitDeadline,
        uint64 revealDeadline,
        uint8 seats,
        bytes32 goldCommitment
    ) external onlyRole(SETTLER_ROLE) nonReentrant returns (uint256 firstId) {
        if (inputs.length == 0) revert EmptyBatch();
        if (commitDeadline <= block.timestamp || revealDeadline <= commitDeadline) {
            revert BadDeadlines(commitDeadline, revealDeadline);
        }
        if (seats == 0 || seats > MAX_SEATS) revert BadSeats(seats, MAX_SEATS);
        if (!registry.mandateIssued(modelId)) revert NotIssued(modelId);
        uint256 roundId = ++roundCount;
        firstId = taskCount + 1;
        taskCount += inputs.length;
        _rounds[roundId] = Round({
            modelId: uint64(modelId),
            openedAt: uint64(block.timestamp),
            commitDeadline: commitDeadline,
            revealDeadline: revealDeadline,
            totalStake: SafeCast.toUint128(totalStakeAt(block.number - 1)),
            openedBlock: uint48(block.number),
            seedBlock: uint48(block.number + SEED_DELAY),
            seats: seats,
            goldOpened: false,
            seed: 0,
            goldCommitment: goldCommitment,
            unsettledTasks: inputs.length
        });
        emit RoundOpened(
            roundId,
            modelId,
            firstId,
            inputs.length,
            seats,
            _rounds[roundId].totalStake,
            goldCommitment,
            commitDeadline,
            revealDeadline
        );
        uint256 total;
        for (uint256 i; i < inputs.length; ++i) total += _openTask(firstId + i, roundId, modelId, inputs[i]);
        if (total != 0) token.safeTransferFrom(msg.sender, address(this), total);
    }

    /// @notice Draws the seats of a round; the first commitment does it, too. The chain knows the hashes of its last 256 blocks: when the round's
    /// block is older, a later one is chosen.
    function drawSeats(uint256 roundId) public {
        Round storage round = _round(roundId);
        if (round.seed != 0) revert AlreadyDrawn(roundId);
        if (block.number <= round.seedBlock) revert DrawPending(roundId, round.seedBlock);
        bytes32 seed = blockhash(round.seedBlock);
        if (seed == 0) {
            round.seedBlock = uint48(block.number + SEED_DELAY);
            emit DrawPostponed(roundId, round.seedBlock);
        } else {
            round.seed = seed;
            emit SeatsDrawn(roundId, seed);
        }
    }

    /// @notice Commits to judgements: `keccak256(abi.encode(taskId, validator, choice, ethics, logic, functional, confidence, salt))`. The validator
    /// needs a seat at each task.
    function commit(uint256[] calldata taskIds, bytes32[] calldata commitments) external {
        if (taskIds.length == 0) revert EmptyBatch();
        if (commitments.length != taskIds.length) revert LengthMismatch();
        Validator memory v = validators[msg.sender];
        if (v.stake < minStake || v.stake == 0) revert StakeTooSmall(v.stake, minStake);
        uint256 roundId;
        Round memory round;
        uint256 seatStake;
        for (uint256 i; i < taskIds.length; ++i) {
            Task memory task = _task(taskIds[i]);
            if (task.roundId != roundId) {
                roundId = task.roundId;
                if (_rounds[roundId].seed == 0) drawSeats(roundId);
                round = _rounds[roundId];
                if (round.seed == 0) revert DrawPending(roundId, round.seedBlock);
                seatStake = _seatStake(round, msg.sender);
                if (round.revealDeadline > v.lastRevealDeadline) v.lastRevealDeadline = round.revealDeadline;
            }
            if (block.timestamp > round.commitDeadline) revert CommitsOver(taskIds[i], round.commitDeadline);
            if (uint256(commitments[i]) <= uint256(SETTLED_UNREVEALED)) revert BadCommitment(commitments[i]);
            if (_judgements[taskIds[i]][msg.sender] != 0) revert AlreadyCommitted(taskIds[i]);
            task.stage = _stageOf(task, round);
            if (!_isDrawn(taskIds[i], round, task.stage, msg.sender, seatStake)) revert NoSeat(taskIds[i], msg.sender);
            if (task.commits >= MAX_COMMITS_PER_SEAT * round.seats) revert TaskFull(taskIds[i]);
            _judgements[taskIds[i]][msg.sender] = commitments[i];
            task.commits += 1;
            task.unsettled += 1;
            tasks[taskIds[i]] = task;
            emit FeedbackCommitted(taskIds[i], msg.sender, commitments[i], seatStake, task.stage);
        }
        v.openCommitments += uint64(taskIds.length);
        validators[msg.sender] = v;
    }

    /// @notice Reveals committed judgements, after the commit deadline and until the reveal deadline.
    function reveal(Reveal[] calldata reveals) external {
        if (reveals.length == 0) revert EmptyBatch();
        for (uint256 i; i < reveals.length; ++i) {
            Reveal calldata r = reveals[i];
            Round storage round = _rounds[_task(r.taskId).roundId];
            if (block.timestamp <= round.commitDeadline) revert RevealsNotOpen(r.taskId, round.commitDeadline);
            if (block.timestamp > round.revealDeadline) revert RevealsOver(r.taskId, round.revealDeadline);
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

    /// @notice Publishes the secret of a round's gold tasks, once its reveals are over: `keccak256(abi.encode(secret))` is its commitment.
    function openGold(uint256 roundId, bytes32 secret) external {
        Round storage round = _round(roundId);
        if (block.timestamp <= round.revealDeadline) revert RoundStillOpen(roundId, round.revealDeadline);
        if (round.goldOpened || keccak256(abi.encode(secret)) != round.goldCommitment) revert GoldMismatch(roundId);
        round.goldOpened = true;
        emit GoldOpened(roundId, secret);
    }

    function getRound(uint256 roundId) external view returns (Round memory) {
        return _round(roundId);
    }

    /// @notice Whether the account may commit to the task now: its stake at the opening and at present count. False before the seats are drawn.
    function hasSeat(uint256 taskId, address account) external view returns (bool) {
        Task memory task = _task(taskId);
        Round memory round = _rounds[task.roundId];
        return round.seed != 0 && _isDrawn(taskId, round, _stageOf(task, round), account, _seatStake(round, account));
    }

    /// @notice The stage of a round's commit phase at a time that is not before its opening.
    function stageAt(uint256 roundId, uint256 time) external view returns (uint256) {
        return _stageAt(_round(roundId), time);
    }

    /// @notice Whether the validator revealed a judgement of the task.
    function hasRevealed(uint256 taskId, address validator) public view returns (bool) {
        bytes32 judgement = _judgements[taskId][validator];
        return judgement == REVEALED || judgement == SETTLED;
    }

    function _openTask(uint256 id, uint256 roundId, uint256 modelId, TaskInput calldata input)
        private
        returns (uint256)
    {
        if (registry.modelOfVersion(input.versionId) != modelId) revert VersionNotOfModel(input.versionId, modelId);
        if (input.itemHash == 0) revert EmptyHash();
        Task storage task = tasks[id];
        task.pot = SafeCast.toUint96(input.pot);
        task.roundId = SafeCast.toUint32(roundId);
        emit TaskOpened(id, roundId, input.versionId, input.domain, input.itemHash, input.pot);
        return input.pot;
    }

    function _seatStake(Round memory round, address account) private view returns (uint256) {
        uint256 opening = stakeAt(account, round.openedBlock - 1);
        uint256 present = validators[account].stake;
        if (present < minStake) return 0;
        return opening < present ? opening : present;
    }

    function _stageAt(Round memory round, uint256 time) private pure returns (uint256) {
        uint256 stage = (time - round.openedAt) * COMMIT_STAGES / (round.commitDeadline - round.openedAt);
        return stage < COMMIT_STAGES ? stage : COMMIT_STAGES - 1;
    }

    /// A later stage counts only for a task that had fewer commitments than seats when the stage began: within a stage nobody races for the last seat.
    function _stageOf(Task memory task, Round memory round) private view returns (uint8) {
        uint256 stage = _stageAt(round, block.timestamp);
        return stage > task.stage && task.commits < round.seats ? uint8(stage) : task.stage;
    }

    function _isDrawn(uint256 taskId, Round memory round, uint256 stage, address account, uint256 seatStake)
        private
        pure
        returns (bool)
    {
        uint256 chance = (uint256(round.seats) << stage) * seatStake;
        if (chance >= round.totalStake) return chance != 0;
        uint256 hash = uint256(keccak256(abi.encode(round.seed, taskId, account)));
        return hash < type(uint256).max / round.totalStake * chance;
    }

    function _round(uint256 roundId) internal view returns (Round storage round) {
        round = _rounds[roundId];
        if (round.revealDeadline == 0) revert UnknownRound(roundId);
    }

    function _task(uint256 taskId) internal view returns (Task storage task) {
        task = tasks[taskId];
        if (task.roundId == 0) revert UnknownTask(taskId);
    }
}
