// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IGuardian} from "../interfaces.sol";
import {ModelStore} from "./ModelStore.sol";

/// @title Mandates with their funds, and the stakes on models
abstract contract Mandates is ModelStore {
    using SafeERC20 for IERC20;

    /// `guardian`: who may pause spending.
    struct Limits {
        uint256 minBond;
        uint256 dailySpendBps;
        IGuardian guardian;
    }

    /// @notice Of its budget (or of what it holds, if that is more), a mandate spends at most this part on one day, basis points.
    uint256 public immutable dailySpendBps;
    IGuardian public immutable guardian;

    mapping(uint256 modelId => mapping(address account => uint256)) public stakeOf;
    /// @notice What a mandate spent on a day, which is a multiple of 86,400 seconds.
    mapping(uint256 modelId => mapping(uint256 day => uint256)) public spentOn;

    event MandateIssued(
        uint256 indexed modelId,
        uint256 indexed proposalId,
        uint256 budget,
        bytes32 rubricHash,
        bytes32 splitHash,
        uint64 deadline
    );
    event MandateFunded(uint256 indexed modelId, address indexed account, string purpose, uint256 amount);
    event BudgetSpent(uint256 indexed modelId, address indexed account, string purpose, uint256 amount);
    event ModelStaked(uint256 indexed modelId, address indexed account, uint256 amount);
    event ModelUnstaked(uint256 indexed modelId, address indexed account, uint256 amount);

    /// @notice Only the timelock may do this, by a proposal that passed.
    error OnlyTimelock(address caller);
    /// @notice The model's own proposal is not being executed; issue the mandate by executing that proposal.
    error ProposalNotExecuted(uint256 proposalId);
    /// @notice The mandate is already issued.
    error AlreadyIssued(uint256 modelId);
    /// @notice The budget was not transferred: the registry holds only `unaccounted` wei that belong to nobody.
    error BudgetNotFunded(uint256 budget, uint256 unaccounted);
    /// @notice The mandate's funds are less than the amount.
    error InsufficientFunds(uint256 funds, uint256 amount);
    /// @notice The day's cap leaves only `available`; spend the rest on another day.
    error ExceedsDailyCap(uint256 amount, uint256 available);
    /// @notice The guardian has paused; try again later.
    error GuardianPaused();
    /// @notice The mandate is valid until its deadline.
    error MandateRuns(uint64 deadline);
    /// @notice The account's stake is less than the amount.
    error InsufficientStake(uint256 staked, uint256 amount);

    constructor(Limits memory limits) {
        guardian = limits.guardian;
        dailySpendBps = limits.dailySpendBps;
    }

    modifier onlyTimelock() {
        if (msg.sender != timelock) revert OnlyTimelock(msg.sender);
        _;
    }

    /// @notice Turns the passed proposal into a mandate. Called by the timelock as the proposal's last action.
    function issueMandate(uint256 modelId) external onlyTimelock {
        Model storage model = _model(modelId);
        if (model.issued) revert AlreadyIssued(modelId);
        if (model.deadline <= block.timestamp) revert DeadlinePassed(model.deadline, block.timestamp);
        (bool proposed, IGovernor.ProposalState state) = _state(model.proposalId);
        if (!proposed || state != IGovernor.ProposalState.Executed) revert ProposalNotExecuted(model.proposalId);
        uint256 unaccounted = token.balanceOf(address(this)) - accounted;
        if (unaccounted < model.budget) revert BudgetNotFunded(model.budget, unaccounted);
        model.issued = true;
        emit MandateIssued(
            modelId, model.proposalId, model.budget, model.rubricHash, model.splitHash, model.deadline
        );
        if (model.budget != 0) {
            model.funds = model.budget;
            accounted += model.budget;
            emit MandateFunded(modelId, address(treasury), "budget", model.budget);
        }
    }

    /// @notice Adds to a mandate's funds from the caller's tokens.
    function fundMandate(uint256 modelId, uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        Model storage model = _mandate(modelId);
        model.funds += amount;
        accounted += amount;
        emit MandateFunded(modelId, msg.sender, "deposit", amount);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @notice Pays from the mandate's funds, until its deadline, within the cap of the day, and not while the guardian pauses.
    function spendBudget(uint256 modelId, address account, string calldata purpose, uint256 amount)
        external
        onlyRole(TRAINER_ROLE)
        nonReentrant
    {
        if (amount == 0) revert ZeroAmount();
        Model storage model = _mandate(modelId);
        if (model.deadline <= block.timestamp) revert DeadlinePassed(model.deadline, block.timestamp);
        if (guardian.isPaused()) revert GuardianPaused();
        if (model.funds < amount) revert InsufficientFunds(model.funds, amount);
        uint256 day = block.timestamp / 1 days;
        uint256 spent = spentOn[modelId][day];
        uint256 whole = model.funds + spent;
        uint256 cap = (whole > model.budget ? whole : model.budget) * dailySpendBps / BPS;
        if (spent + amount > cap) revert ExceedsDailyCap(amount, cap > spent ? cap - spent : 0);
        spentOn[modelId][day] = spent + amount;
        _takeFunds(modelId, model, account, purpose, amount);
    }

    /// @notice Returns what a mandate did not spend to the treasury, once its deadline has passed. Anyone may call it.
    function closeMandate(uint256 modelId) external nonReentrant {
        Model storage model = _mandate(modelId);
        if (model.deadline > block.timestamp) revert MandateRuns(model.deadline);
        if (model.funds == 0) revert ZeroAmount();
        _takeFunds(modelId, model, address(treasury), "unspent", model.funds);
    }

    /// @notice Stakes the caller's tokens on a model.
    function stake(uint256 modelId, uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        Model storage model = _model(modelId);
        stakeOf[modelId][msg.sender] += amount;
        model.staked += amount;
        accounted += amount;
        emit ModelStaked(modelId, msg.sender, amount);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @notice Returns stake to the caller.
    function unstake(uint256 modelId, uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        Model storage model = _model(modelId);
        uint256 staked = stakeOf[modelId][msg.sender];
        if (staked < amount) revert InsufficientStake(staked, amount);
        stakeOf[modelId][msg.sender] = staked - amount;
        model.staked -= amount;
        accounted -= amount;
        emit ModelUnstaked(modelId, msg.sender, amount);
        token.safeTransfer(msg.sender, amount);
    }

    function _takeFunds(
        uint256 modelId,
        Model storage model,
        address account,
        string memory purpose,
        uint256 amount
    ) private {
        model.funds -= amount;
        accounted -= amount;
        emit BudgetSpent(modelId, account, purpose, amount);
        token.safeTransfer(account, amount);
    }
}
