// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ModelGovernor} from "./ModelGovernor.sol";
import {Treasury} from "./Treasury.sol";
import {IEvaluationRegistry, IModelRegistry, Target} from "./interfaces.sol";

/// @title Proposals with their bonds, mandates with their budgets, stakes, and the versions of each model
/// @notice Invariant: the token balance is at least `accounted` = bonds + mandates' funds + stakes.
contract ModelRegistry is AccessControl, ReentrancyGuardTransient, IModelRegistry {
    using SafeERC20 for IERC20;

    bytes32 public constant TRAINER_ROLE = keccak256("TRAINER_ROLE");
    /// @notice May roll a version back: the timelock and the disputes.
    bytes32 public constant ROLLBACK_ROLE = keccak256("ROLLBACK_ROLE");

    uint256 public constant MAX_TARGETS = 16;
    uint256 public constant MAX_ANCESTORS_BPS = 3_000;
    uint256 public constant MAX_BOND_SLASH_BPS = 2_000;
    uint256 public constant EARLY_CANCEL_BPS = 500;
    uint256 private constant BPS = 10_000;

    /// Basis points. `platform` is of all; `owner` to `host` are of the rest and sum to 10,000; `ancestors` is of the rest
    /// and goes first to the versions this one came from; `dataByWeight` is of data's part.
    struct Split {
        uint16 platform;
        uint16 owner;
        uint16 stakers;
        uint16 data;
        uint16 validators;
        uint16 host;
        uint16 ancestors;
        uint16 dataByWeight;
        address unattributed;
    }

    struct Terms {
        uint256 budget;
        bytes32 rubricHash;
        uint64 deadline;
        Target[] targets;
        Split split;
    }

    struct Model {
        address proposer;
        uint64 deadline;
        bool issued;
        bool bondSettled;
        uint256 proposalId;
        uint256 bond;
        uint256 budget;
        uint256 funds;
        uint256 staked;
        bytes32 rubricHash;
        bytes32 splitHash;
        bytes32 termsHash;
        bytes32 specHash;
    }

    struct Version {
        uint64 modelId;
        uint64 parentVersionId;
        bool promoted;
        bool rolledBack;
    }

    IERC20 public immutable token;
    ModelGovernor public immutable governor;
    address public immutable timelock;
    Treasury public immutable treasury;
    IEvaluationRegistry public immutable evaluations;
    uint256 public immutable minBond;

    uint256 public modelCount;
    uint256 public versionCount;
    /// @notice Wei this contract owes: bonds, mandates' funds and stakes.
    uint256 public accounted;

    mapping(uint256 modelId => Model) private _models;
    mapping(uint256 modelId => Target[]) private _targets;
    mapping(uint256 modelId => uint256[]) private _promoted;
    mapping(uint256 versionId => Version) private _versions;
    mapping(uint256 modelId => mapping(address account => uint256)) public stakeOf;

    event ModelProposed(
        uint256 indexed modelId,
        address indexed proposer,
        uint256 indexed proposalId,
        bytes32 specHash,
        string specURI,
        uint256 bond
    );
    event TargetSet(uint256 indexed modelId, string metric, int256 minimum);
    event SplitSet(uint256 indexed modelId, bytes32 splitHash, Split split);
    event BondReturned(uint256 indexed modelId, uint256 amount, string reason);
    event BondSlashed(uint256 indexed modelId, uint256 amount, string reason);
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
    event VersionRegistered(
        uint256 indexed versionId,
        uint256 indexed modelId,
        uint256 indexed parentVersionId,
        string method,
        bytes32 datasetRoot,
        bytes32 manifestHash,
        bytes32 adapterHash
    );
    event VersionPromoted(uint256 indexed versionId);
    event VersionRolledBack(uint256 indexed versionId, string reason);

    /// @notice No model has this id.
    error UnknownModel(uint256 modelId);
    /// @notice No version has this id.
    error UnknownVersion(uint256 versionId);
    /// @notice The amount is zero.
    error ZeroAmount();
    /// @notice A hash that must name something is zero.
    error EmptyHash();
    /// @notice The bond is below the least.
    error BondTooSmall(uint256 bond, uint256 minBond);
    /// @notice The mandate's deadline does not lie in the future.
    error DeadlinePassed(uint64 deadline, uint256 nowAt);
    /// @notice A mandate has 1 to `MAX_TARGETS` targets.
    error BadTargetCount(uint256 count);
    /// @notice A target needs the name of its metric.
    error EmptyMetric();
    /// @notice Owner, stakers, data, validators and host must sum to 10,000 basis points.
    error SplitSum(uint256 sum);
    /// @notice A share exceeds what it may be at most, in basis points.
    error ShareTooLarge(string share, uint256 value, uint256 most);
    /// @notice Only the timelock may do this, by a proposal that passed.
    error OnlyTimelock(address caller);
    /// @notice The model's own proposal is not being executed; issue the mandate by executing that proposal.
    error ProposalNotExecuted(uint256 proposalId);
    /// @notice The mandate was issued already.
    error AlreadyIssued(uint256 modelId);
    /// @notice The model has no mandate yet.
    error NotIssued(uint256 modelId);
    /// @notice The budget did not arrive: the registry holds `unaccounted` wei that belong to nobody, less than the budget.
    error BudgetNotFunded(uint256 budget, uint256 unaccounted);
    /// @notice The bond was settled already.
    error BondAlreadySettled(uint256 modelId);
    /// @notice The proposal's fate is still open; try again once voting is over (or, if it carried without turnout,
    /// once it is executed or its mandate's deadline has passed).
    error FateUnknown(uint256 proposalId);
    /// @notice The mandate holds less than that.
    error InsufficientFunds(uint256 funds, uint256 amount);
    /// @notice The mandate runs until its deadline.
    error MandateRuns(uint64 deadline);
    /// @notice The account has less at stake than that.
    error InsufficientStake(uint256 staked, uint256 amount);
    /// @notice The version was promoted already.
    error AlreadyPromoted(uint256 versionId);
    /// @notice The version was rolled back; register a new one.
    error VersionIsRolledBack(uint256 versionId);
    /// @notice A newer version is live; roll that back before promoting an older one.
    error OlderThanLive(uint256 liveVersionId);
    /// @notice The latest evaluations do not meet every target of the mandate at the lower bound.
    error TargetsNotMet(uint256 versionId);

    modifier onlyTimelock() {
        if (msg.sender != timelock) revert OnlyTimelock(msg.sender);
        _;
    }

    constructor(
        IERC20 token_,
        ModelGovernor governor_,
        address timelock_,
        Treasury treasury_,
        IEvaluationRegistry evaluations_,
        address disputes,
        address operator,
        uint256 minBond_
    ) {
        token = token_;
        governor = governor_;
        timelock = timelock_;
        treasury = treasury_;
        evaluations = evaluations_;
        minBond = minBond_;
        _grantRole(DEFAULT_ADMIN_ROLE, timelock_);
        _grantRole(ROLLBACK_ROLE, timelock_);
        _grantRole(ROLLBACK_ROLE, disputes);
        if (operator != address(0)) _grantRole(TRAINER_ROLE, operator);
    }

    // ---------------------------------------------------------------- proposals and bonds

    /// @notice Locks the bond and fixes the terms. The caller then opens the vote: `governor.propose(proposalActions(modelId))`.
    function propose(bytes32 specHash, string calldata specURI, Terms calldata terms, uint256 bond)
        external
        nonReentrant
        returns (uint256 modelId)
    {
        if (specHash == 0 || terms.rubricHash == 0) revert EmptyHash();
        if (bond < minBond) revert BondTooSmall(bond, minBond);
        if (terms.deadline <= block.timestamp) revert DeadlinePassed(terms.deadline, block.timestamp);
        _checkSplit(terms.split);
        modelId = ++modelCount;

        Model storage model = _models[modelId];
        model.proposer = msg.sender;
        model.deadline = terms.deadline;
        model.bond = bond;
        model.budget = terms.budget;
        model.rubricHash = terms.rubricHash;
        model.splitHash = keccak256(abi.encode(terms.split));
        model.termsHash = keccak256(abi.encode(terms));
        model.specHash = specHash;
        model.proposalId = _proposalIdOf(modelId);
        accounted += bond;

        emit ModelProposed(modelId, msg.sender, model.proposalId, specHash, specURI, bond);
        _setTargets(modelId, terms.targets);
        emit SplitSet(modelId, model.splitHash, terms.split);
        token.safeTransferFrom(msg.sender, address(this), bond);
    }

    /// @notice What the proposer hands to `governor.propose`. The description binds specification and terms by their
    /// hashes, and its suffix lets nobody but the proposer open the vote.
    function proposalActions(uint256 modelId)
        public
        view
        returns (address[] memory targets, uint256[] memory values, bytes[] memory calldatas, string memory description)
    {
        Model storage model = _model(modelId);
        uint256 count = model.budget == 0 ? 1 : 2;
        targets = new address[](count);
        values = new uint256[](count);
        calldatas = new bytes[](count);
        if (model.budget != 0) {
            targets[0] = address(treasury);
            calldatas[0] = abi.encodeCall(Treasury.pay, (address(this), model.budget));
        }
        targets[count - 1] = address(this);
        calldatas[count - 1] = abi.encodeCall(this.issueMandate, (modelId));
        description = string.concat(
            "Mandate for model ",
            Strings.toString(modelId),
            "\nspecification ",
            Strings.toHexString(uint256(model.specHash), 32),
            "\nterms ",
            Strings.toHexString(uint256(model.termsHash), 32),
            "\n#proposer=",
            Strings.toHexString(model.proposer)
        );
    }

    /// @notice Settles the bond once the proposal's fate is known. Anyone may call it. Reasons: `quorum`, `expired` (returned
    /// in full), `turnout` (slashed by the missing share, at most 20 %), `cancelled`, `unproposed` (slashed 5 %).
    function resolveBond(uint256 modelId) external nonReentrant {
        Model storage model = _model(modelId);
        if (model.bondSettled) revert BondAlreadySettled(modelId);
        (uint256 slashed, string memory reason) = _bondFate(model);
        uint256 returned = model.bond - slashed;
        model.bondSettled = true;
        accounted -= model.bond;
        emit BondReturned(modelId, returned, reason);
        token.safeTransfer(model.proposer, returned);
        if (slashed != 0) {
            emit BondSlashed(modelId, slashed, reason);
            token.safeTransfer(address(treasury), slashed);
        }
    }

    // ---------------------------------------------------------------- mandates

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

    /// @notice Pays from the mandate's funds, until its deadline.
    function spendBudget(uint256 modelId, address account, string calldata purpose, uint256 amount)
        external
        onlyRole(TRAINER_ROLE)
        nonReentrant
    {
        if (amount == 0) revert ZeroAmount();
        Model storage model = _mandate(modelId);
        if (model.deadline <= block.timestamp) revert DeadlinePassed(model.deadline, block.timestamp);
        _takeFunds(modelId, model, account, purpose, amount);
    }

    /// @notice Returns what a mandate did not spend to the treasury, once its deadline has passed. Anyone may call it.
    function closeMandate(uint256 modelId) external nonReentrant {
        Model storage model = _mandate(modelId);
        if (model.deadline > block.timestamp) revert MandateRuns(model.deadline);
        if (model.funds == 0) revert ZeroAmount();
        _takeFunds(modelId, model, address(treasury), "unspent", model.funds);
    }

    // ---------------------------------------------------------------- stakes

    /// @notice Stakes the caller's tokens behind a model.
    function stake(uint256 modelId, uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        Model storage model = _model(modelId);
        stakeOf[modelId][msg.sender] += amount;
        model.staked += amount;
        accounted += amount;
        emit ModelStaked(modelId, msg.sender, amount);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @notice Takes the caller's stake back.
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

    // ---------------------------------------------------------------- versions

    /// @notice Anchors a version. `parentVersionId` may belong to another model; 0 means none.
    function registerVersion(
        uint256 modelId,
        uint256 parentVersionId,
        string calldata method,
        bytes32 datasetRoot,
        bytes32 manifestHash,
        bytes32 adapterHash
    ) external onlyRole(TRAINER_ROLE) returns (uint256 versionId) {
        _mandate(modelId);
        if (parentVersionId > versionCount) revert UnknownVersion(parentVersionId);
        if (manifestHash == 0) revert EmptyHash();
        versionId = ++versionCount;
        _versions[versionId] = Version(uint64(modelId), uint64(parentVersionId), false, false);
        emit VersionRegistered(
            versionId, modelId, parentVersionId, method, datasetRoot, manifestHash, adapterHash
        );
    }

    /// @notice Makes a version the live one of its model. Anyone may call it; the evaluations decide.
    function promote(uint256 versionId) external {
        Version storage version = _version(versionId);
        if (version.promoted) revert AlreadyPromoted(versionId);
        if (version.rolledBack) revert VersionIsRolledBack(versionId);
        uint256 live = liveVersion(version.modelId);
        if (versionId < live) revert OlderThanLive(live);
        if (!evaluations.meets(versionId, _models[version.modelId].rubricHash, _targets[version.modelId])) {
            revert TargetsNotMet(versionId);
        }
        version.promoted = true;
        _promoted[version.modelId].push(versionId);
        emit VersionPromoted(versionId);
    }

    /// @notice Withdraws a version for good: it is not live, serves no new endpoint and cannot be promoted any more.
    function rollback(uint256 versionId, string calldata reason) external onlyRole(ROLLBACK_ROLE) {
        Version storage version = _version(versionId);
        if (version.rolledBack) revert VersionIsRolledBack(versionId);
        version.rolledBack = true;
        uint256[] storage stack = _promoted[version.modelId];
        while (stack.length != 0 && _versions[stack[stack.length - 1]].rolledBack) stack.pop();
        emit VersionRolledBack(versionId, reason);
    }

    // ---------------------------------------------------------------- views

    function modelExists(uint256 modelId) public view returns (bool) {
        return _models[modelId].proposer != address(0);
    }

    function mandateIssued(uint256 modelId) external view returns (bool) {
        return _models[modelId].issued;
    }

    function getModel(uint256 modelId) external view returns (Model memory model, Target[] memory targets) {
        return (_model(modelId), _targets[modelId]);
    }

    function getVersion(uint256 versionId) external view returns (Version memory) {
        return _version(versionId);
    }

    /// @notice The model of a version; 0 when there is no such version.
    function modelOfVersion(uint256 versionId) external view returns (uint256) {
        return _versions[versionId].modelId;
    }

    /// @notice Whether the version was promoted and not rolled back.
    function isServing(uint256 versionId) external view returns (bool) {
        Version storage version = _versions[versionId];
        return version.promoted && !version.rolledBack;
    }

    function isRolledBack(uint256 versionId) external view returns (bool) {
        return _versions[versionId].rolledBack;
    }

    /// @notice The last promoted version that was not rolled back; 0 when there is none.
    function liveVersion(uint256 modelId) public view returns (uint256) {
        uint256[] storage stack = _promoted[modelId];
        return stack.length == 0 ? 0 : stack[stack.length - 1];
    }

    // ---------------------------------------------------------------- inside

    function _takeFunds(
        uint256 modelId,
        Model storage model,
        address account,
        string memory purpose,
        uint256 amount
    ) private {
        if (model.funds < amount) revert InsufficientFunds(model.funds, amount);
        model.funds -= amount;
        accounted -= amount;
        emit BudgetSpent(modelId, account, purpose, amount);
        token.safeTransfer(account, amount);
    }

    function _bondFate(Model storage model) private view returns (uint256 slashed, string memory reason) {
        uint256 id = model.proposalId;
        bool late = model.deadline <= block.timestamp;
        (bool proposed, IGovernor.ProposalState state) = _state(id);
        if (!proposed) {
            if (!late) revert FateUnknown(id);
            return (model.bond * EARLY_CANCEL_BPS / BPS, "unproposed");
        }
        if (state == IGovernor.ProposalState.Pending || state == IGovernor.ProposalState.Active) {
            revert FateUnknown(id);
        }
        // The governor cancels before the vote only; what the timelock cancels was queued, and so has an eta.
        if (state == IGovernor.ProposalState.Canceled && governor.proposalEta(id) == 0) {
            return (model.bond * EARLY_CANCEL_BPS / BPS, "cancelled");
        }
        (uint256 turnout, uint256 quorum) = _turnout(model.proposer, id);
        if (turnout >= quorum) return (0, "quorum");
        if (state == IGovernor.ProposalState.Succeeded || state == IGovernor.ProposalState.Queued) {
            if (!late) revert FateUnknown(id);
            return (0, "expired");
        }
        uint256 missing = Math.mulDiv(model.bond, quorum - turnout, quorum);
        return (Math.min(missing, model.bond * MAX_BOND_SLASH_BPS / BPS), "turnout");
    }

    /// @dev For + Against + Abstain without the proposer's own votes, and the quorum at the snapshot.
    function _turnout(address proposer, uint256 proposalId) private view returns (uint256 turnout, uint256 quorum) {
        (uint256 against, uint256 inFavour, uint256 abstain) = governor.proposalVotes(proposalId);
        turnout = against + inFavour + abstain;
        uint256 snapshot = governor.proposalSnapshot(proposalId);
        if (governor.hasVoted(proposalId, proposer)) turnout -= governor.getVotes(proposer, snapshot);
        quorum = governor.quorum(snapshot);
    }

    function _state(uint256 proposalId) private view returns (bool proposed, IGovernor.ProposalState state) {
        if (governor.proposalSnapshot(proposalId) == 0) return (false, state);
        return (true, governor.state(proposalId));
    }

    function _proposalIdOf(uint256 modelId) private view returns (uint256) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas, string memory description) =
            proposalActions(modelId);
        return governor.getProposalId(targets, values, calldatas, keccak256(bytes(description)));
    }

    function _setTargets(uint256 modelId, Target[] calldata targets) private {
        if (targets.length == 0 || targets.length > MAX_TARGETS) revert BadTargetCount(targets.length);
        for (uint256 i; i < targets.length; ++i) {
            if (bytes(targets[i].metric).length == 0) revert EmptyMetric();
            _targets[modelId].push(targets[i]);
            emit TargetSet(modelId, targets[i].metric, targets[i].minimum);
        }
    }

    function _checkSplit(Split calldata s) private pure {
        uint256 sum = uint256(s.owner) + s.stakers + s.data + s.validators + s.host;
        if (sum != BPS) revert SplitSum(sum);
        if (s.platform > BPS) revert ShareTooLarge("platform", s.platform, BPS);
        if (s.ancestors > MAX_ANCESTORS_BPS) revert ShareTooLarge("ancestors", s.ancestors, MAX_ANCESTORS_BPS);
        if (s.dataByWeight > BPS) revert ShareTooLarge("dataByWeight", s.dataByWeight, BPS);
    }

    function _model(uint256 modelId) private view returns (Model storage model) {
        model = _models[modelId];
        if (model.proposer == address(0)) revert UnknownModel(modelId);
    }

    function _mandate(uint256 modelId) private view returns (Model storage model) {
        model = _model(modelId);
        if (!model.issued) revert NotIssued(modelId);
    }

    function _version(uint256 versionId) private view returns (Version storage version) {
        version = _versions[versionId];
        if (version.modelId == 0) revert UnknownVersion(versionId);
    }
}
