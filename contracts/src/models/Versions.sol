// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IEvaluationRegistry, Target} from "../interfaces.sol";
import {ModelStore} from "./ModelStore.sol";

/// @title Versions: registered by trainers, promoted by evaluations, rolled back permanently (rule 15)
abstract contract Versions is ModelStore {
    /// @notice May roll a version back: the timelock and the disputes contract.
    bytes32 public constant ROLLBACK_ROLE = keccak256("ROLLBACK_ROLE");

    struct Version {
        uint64 modelId;
        uint64 parentVersionId;
        bool promoted;
        bool rolledBack;
    }

    IEvaluationRegistry public immutable evaluations;

    uint256 public versionCount;

    mapping(uint256 versionId => Version) private _versions;
    mapping(uint256 modelId => uint256[]) private _promoted;

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

    /// @notice No version has this id.
    error UnknownVersion(uint256 versionId);
    /// @notice The version is already promoted.
    error AlreadyPromoted(uint256 versionId);
    /// @notice The version was rolled back; register a new one.
    error VersionIsRolledBack(uint256 versionId);
    /// @notice A newer version is live; roll it back before you promote an older one.
    error OlderThanLive(uint256 liveVersionId);
    /// @notice The evaluation does not meet every target of the mandate at the lower bound.
    error TargetsNotMet(uint256 versionId);
    /// @notice The version is significantly worse than the live one at a metric that the mandate does not let fall.
    error WorseThanLive(uint256 versionId, uint256 liveVersionId, string metric);

    constructor(IEvaluationRegistry evaluations_, address disputes) {
        evaluations = evaluations_;
        _grantRole(ROLLBACK_ROLE, timelock);
        _grantRole(ROLLBACK_ROLE, disputes);
    }

    /// @notice Registers a version. `parentVersionId` may belong to another model; 0 means none.
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
        bytes32 rubricHash = _models[version.modelId].rubricHash;
        Target[] memory targets = _targets[version.modelId];
        if (!evaluations.meets(versionId, rubricHash, targets)) revert TargetsNotMet(versionId);
        string memory metric = evaluations.worseAt(versionId, live, rubricHash, targets);
        if (bytes(metric).length != 0) revert WorseThanLive(versionId, live, metric);
        version.promoted = true;
        _promoted[version.modelId].push(versionId);
        emit VersionPromoted(versionId);
    }

    /// @notice Withdraws a version permanently: it is not live, serves no new endpoint and can no longer be promoted.
    function rollback(uint256 versionId, string calldata reason) external onlyRole(ROLLBACK_ROLE) {
        Version storage version = _version(versionId);
        if (version.rolledBack) revert VersionIsRolledBack(versionId);
        version.rolledBack = true;
        uint256[] storage stack = _promoted[version.modelId];
        while (stack.length != 0 && _versions[stack[stack.length - 1]].rolledBack) stack.pop();
        emit VersionRolledBack(versionId, reason);
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

    function _version(uint256 versionId) private view returns (Version storage version) {
        version = _versions[versionId];
        if (version.modelId == 0) revert UnknownVersion(versionId);
    }
}
