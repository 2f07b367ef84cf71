// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Treasury} from "../Treasury.sol";
import {Target} from "../interfaces.sol";
import {Mandates} from "./Mandates.sol";

/// @title Proposals and their bonds (rule 2)
abstract contract Proposals is Mandates {
    using SafeERC20 for IERC20;

    uint256 public constant MAX_TARGETS = 16;
    uint256 public constant MAX_ANCESTORS_BPS = 3_000;
    uint256 public constant MAX_BOND_SLASH_BPS = 2_000;
    uint256 public constant EARLY_CANCEL_BPS = 500;
    uint256 private constant MAX_URI_LENGTH = 2_048;

    uint256 public immutable minBond;

    event ModelProposed(
        uint256 indexed modelId,
        address indexed proposer,
        uint256 indexed proposalId,
        bytes32 specHash,
        string specURI,
        uint256 bond
    );
    event TargetSet(uint256 indexed modelId, string metric, int256 minimum, bool mayFall);
    event SplitSet(uint256 indexed modelId, bytes32 splitHash, Split split);
    event BondReturned(uint256 indexed modelId, uint256 amount, string reason);
    event BondSlashed(uint256 indexed modelId, uint256 amount, string reason);

    /// @notice The bond is below the minimum.
    error BondTooSmall(uint256 bond, uint256 minBond);
    /// @notice A mandate has 1 to `MAX_TARGETS` targets.
    error BadTargetCount(uint256 count);
    /// @notice The location of a specification has at most 2,048 bytes: every index stores it again whenever somebody stakes on the model.
    error UriTooLong(uint256 length);
    /// @notice A target needs the name of its metric.
    error EmptyMetric();
    /// @notice Owner, stakers, data, validators and host must sum to 10,000 basis points.
    error SplitSum(uint256 sum);
    /// @notice A share exceeds its maximum, in basis points.
    error ShareTooLarge(string share, uint256 value, uint256 most);
    /// @notice The bond is already settled.
    error BondAlreadySettled(uint256 modelId);
    /// @notice The proposal's outcome is not known yet; try again when voting is over (or, if it passed without turnout,
    /// when it is executed or its mandate's deadline has passed).
    error FateUnknown(uint256 proposalId);

    constructor(Limits memory limits) Mandates(limits) {
        minBond = limits.minBond;
    }

    /// @notice Locks the bond and fixes the terms. The caller then opens the vote: `governor.propose(proposalActions(modelId))`.
    function propose(bytes32 specHash, string calldata specURI, Terms calldata terms, uint256 bond)
        external
        nonReentrant
        returns (uint256 modelId)
    {
        if (specHash == 0 || terms.rubricHash == 0) revert EmptyHash();
        if (bytes(specURI).length > MAX_URI_LENGTH) revert UriTooLong(bytes(specURI).length);
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

    /// @notice Settles the bond when the proposal's outcome is known (rule 2). Anyone may call it. Reasons: `quorum`, `expired` (returned
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
        // The Governor cancels only before the vote; what the timelock cancels was queued, and so has an eta.
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
            emit TargetSet(modelId, targets[i].metric, targets[i].minimum, targets[i].mayFall);
        }
    }

    function _checkSplit(Split calldata s) private pure {
        uint256 sum = uint256(s.owner) + s.stakers + s.data + s.validators + s.host;
        if (sum != BPS) revert SplitSum(sum);
        if (s.platform > BPS) revert ShareTooLarge("platform", s.platform, BPS);
        if (s.ancestors > MAX_ANCESTORS_BPS) revert ShareTooLarge("ancestors", s.ancestors, MAX_ANCESTORS_BPS);
        if (s.dataByWeight > BPS) revert ShareTooLarge("dataByWeight", s.dataByWeight, BPS);
    }
}
