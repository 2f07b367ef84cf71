// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ModelGovernor} from "../ModelGovernor.sol";
import {Treasury} from "../Treasury.sol";
import {IModelRegistry, Target} from "../interfaces.sol";

/// @title The state of each model, and what proposals, mandates and versions share
/// @notice Invariant: the token balance is at least `accounted` = bonds + mandates' funds + stakes.
abstract contract ModelStore is AccessControl, ReentrancyGuardTransient, IModelRegistry {
    bytes32 public constant TRAINER_ROLE = keccak256("TRAINER_ROLE");
    uint256 internal constant BPS = 10_000;

    /// Basis points (rule 8). `platform` is of all; `owner` to `host` are of the rest and sum to 10,000; `ancestors` is of the
    /// rest and goes first to the versions that this one was trained from; `dataByWeight` is of data's part. What an answer cannot be
    /// attributed to goes to the version's data by weight, or to the treasury.
    struct Split {
        uint16 platform;
        uint16 owner;
        uint16 stakers;
        uint16 data;
        uint16 validators;
        uint16 host;
        uint16 ancestors;
        uint16 dataByWeight;
        bool unattributedByWeight;
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

    IERC20 public immutable token;
    ModelGovernor public immutable governor;
    address public immutable timelock;
    Treasury public immutable treasury;

    uint256 public modelCount;
    /// @notice Wei this contract owes: bonds, mandates' funds and stakes.
    uint256 public accounted;

    mapping(uint256 modelId => Model) internal _models;
    mapping(uint256 modelId => Target[]) internal _targets;

    /// @notice No model has this id.
    error UnknownModel(uint256 modelId);
    /// @notice The model has no mandate yet.
    error NotIssued(uint256 modelId);
    /// @notice The amount is zero.
    error ZeroAmount();
    /// @notice A hash that must name something is zero.
    error EmptyHash();
    /// @notice The mandate's deadline is not in the future.
    error DeadlinePassed(uint64 deadline, uint256 nowAt);

    constructor(IERC20 token_, ModelGovernor governor_, address timelock_, Treasury treasury_) {
        token = token_;
        governor = governor_;
        timelock = timelock_;
        treasury = treasury_;
        _grantRole(DEFAULT_ADMIN_ROLE, timelock_);
    }

    function modelExists(uint256 modelId) public view returns (bool) {
        return _models[modelId].proposer != address(0);
    }

    function mandateIssued(uint256 modelId) external view returns (bool) {
        return _models[modelId].issued;
    }

    function getModel(uint256 modelId) external view returns (Model memory model, Target[] memory targets) {
        return (_model(modelId), _targets[modelId]);
    }

    /// @dev Whether the vote was opened, and its state if so.
    function _state(uint256 proposalId) internal view returns (bool proposed, IGovernor.ProposalState state) {
        if (governor.proposalSnapshot(proposalId) == 0) return (false, state);
        return (true, governor.state(proposalId));
    }

    function _model(uint256 modelId) internal view returns (Model storage model) {
        model = _models[modelId];
        if (model.proposer == address(0)) revert UnknownModel(modelId);
    }

    function _mandate(uint256 modelId) internal view returns (Model storage model) {
        model = _model(modelId);
        if (!model.issued) revert NotIssued(modelId);
    }
}
