// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IEvaluationRegistry, IModelRegistry, Target} from "./interfaces.sol";

/// @title The record of evaluations, one event per metric, and the checks before a promotion (rule 15)
/// @notice The first evaluation of a version under a rubric counts, and no other is recorded: nobody evaluates again until it is lucky
/// (amendment 15).
contract EvaluationRegistry is AccessControl, IEvaluationRegistry {
    bytes32 public constant EVALUATOR_ROLE = keccak256("EVALUATOR_ROLE");

    /// A metric's estimate with its confidence interval, ppm, over `n` items.
    struct Metric {
        string metric;
        int256 score;
        int256 lower;
        int256 upper;
        uint256 n;
    }

    struct Result {
        int96 lower;
        int96 upper;
        uint64 evaluationId;
    }

    IModelRegistry public immutable registry;

    /// @notice The number of evaluations so far, which is the last id.
    uint256 public evaluationCount;

    /// @notice The log of a version's evaluation under a rubric; 0 when there is none.
    mapping(uint256 versionId => mapping(bytes32 rubricHash => bytes32)) public logOf;

    mapping(uint256 versionId => mapping(bytes32 key => Result)) private _results;

    event EvaluationLogged(
        uint256 indexed evaluationId,
        uint256 indexed versionId,
        bytes32 rubricHash,
        string metric,
        int256 score,
        int256 lower,
        int256 upper,
        uint256 n,
        bytes32 logHash
    );

    /// @notice No version has this id.
    error UnknownVersion(uint256 versionId);
    /// @notice The version is already evaluated under this rubric, and the first evaluation counts. Register a new version.
    error AlreadyEvaluated(uint256 versionId, bytes32 rubricHash);
    /// @notice An evaluation names its log.
    error EmptyHash();
    /// @notice An evaluation names each metric once.
    error RepeatedMetric(string metric);
    /// @notice An evaluation names at least one metric.
    error NoMetrics();
    /// @notice A metric needs a name.
    error EmptyMetric();
    /// @notice The bounds must enclose the score: `lower <= score <= upper`.
    error BadInterval(string metric, int256 lower, int256 score, int256 upper);
    /// @notice A metric is measured on at least one item.
    error NoItems(string metric);

    constructor(IModelRegistry registry_, address timelock, address operator) {
        registry = registry_;
        _grantRole(DEFAULT_ADMIN_ROLE, timelock);
        if (operator != address(0)) _grantRole(EVALUATOR_ROLE, operator);
    }

    /// @notice Records the evaluation of a version under a rubric, once. `logHash` names the artifact that commits to every item and its result.
    function log(uint256 versionId, bytes32 rubricHash, Metric[] calldata metrics, bytes32 logHash)
        external
        onlyRole(EVALUATOR_ROLE)
    {
        if (registry.modelOfVersion(versionId) == 0) revert UnknownVersion(versionId);
        if (metrics.length == 0) revert NoMetrics();
        if (logHash == 0) revert EmptyHash();
        if (logOf[versionId][rubricHash] != 0) revert AlreadyEvaluated(versionId, rubricHash);
        logOf[versionId][rubricHash] = logHash;
        uint256 id = evaluationCount;
        for (uint256 i; i < metrics.length; ++i) {
            Metric calldata m = metrics[i];
            if (bytes(m.metric).length == 0) revert EmptyMetric();
            if (m.lower > m.score || m.score > m.upper) revert BadInterval(m.metric, m.lower, m.score, m.upper);
            if (m.n == 0) revert NoItems(m.metric);
            ++id;
            _record(_results[versionId][_key(rubricHash, m.metric)], m, id);
            emit EvaluationLogged(id, versionId, rubricHash, m.metric, m.score, m.lower, m.upper, m.n, logHash);
        }
        evaluationCount = id;
    }

    /// @notice Whether every target's metric, under this rubric, has a lower bound of at least the minimum.
    function meets(uint256 versionId, bytes32 rubricHash, Target[] calldata targets) external view returns (bool) {
        for (uint256 i; i < targets.length; ++i) {
            Result memory found = _results[versionId][_key(rubricHash, targets[i].metric)];
            if (found.evaluationId == 0 || found.lower < targets[i].minimum) return false;
        }
        return true;
    }

    /// @notice The first target at which a version is significantly worse than the live one, whose metric may not fall: the version's upper bound is
    /// below the live one's lower bound. Empty when there is none.
    function worseAt(uint256 versionId, uint256 liveVersionId, bytes32 rubricHash, Target[] calldata targets)
        external
        view
        returns (string memory metric)
    {
        for (uint256 i; i < targets.length; ++i) {
            if (targets[i].mayFall) continue;
            bytes32 key = _key(rubricHash, targets[i].metric);
            Result memory live = _results[liveVersionId][key];
            if (live.evaluationId != 0 && _results[versionId][key].upper < live.lower) return targets[i].metric;
        }
    }

    /// @notice The interval (ppm) of a metric under a rubric; `evaluationId` is 0 when there is none.
    function resultOf(uint256 versionId, bytes32 rubricHash, string calldata metric)
        external
        view
        returns (int256 lower, int256 upper, uint256 evaluationId)
    {
        Result memory found = _results[versionId][_key(rubricHash, metric)];
        return (found.lower, found.upper, found.evaluationId);
    }

    function _record(Result storage result, Metric calldata m, uint256 id) private {
        if (result.evaluationId != 0) revert RepeatedMetric(m.metric);
        result.lower = SafeCast.toInt96(m.lower);
        result.upper = SafeCast.toInt96(m.upper);
        result.evaluationId = SafeCast.toUint64(id);
    }

    function _key(bytes32 rubricHash, string calldata metric) private pure returns (bytes32) {
        return keccak256(abi.encode(rubricHash, metric));
    }
}
