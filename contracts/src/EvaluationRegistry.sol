// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IEvaluationRegistry, IModelRegistry, Target} from "./interfaces.sol";

/// @title The record of evaluations, one event per metric, and the check before a promotion (rule 15)
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

    struct Latest {
        int192 lower;
        uint64 evaluationId;
    }

    IModelRegistry public immutable registry;

    /// @notice The number of evaluations so far, which is the last id.
    uint256 public evaluationCount;

    mapping(uint256 versionId => mapping(bytes32 key => Latest)) private _latest;

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

    /// @notice Records one evaluation of a version under a rubric. `logHash` names the artifact with every item's result.
    function log(uint256 versionId, bytes32 rubricHash, Metric[] calldata metrics, bytes32 logHash)
        external
        onlyRole(EVALUATOR_ROLE)
    {
        if (registry.modelOfVersion(versionId) == 0) revert UnknownVersion(versionId);
        if (metrics.length == 0) revert NoMetrics();
        uint256 id = evaluationCount;
        for (uint256 i; i < metrics.length; ++i) {
            Metric calldata m = metrics[i];
            if (bytes(m.metric).length == 0) revert EmptyMetric();
            if (m.lower > m.score || m.score > m.upper) revert BadInterval(m.metric, m.lower, m.score, m.upper);
            if (m.n == 0) revert NoItems(m.metric);
            ++id;
            _latest[versionId][_key(rubricHash, m.metric)] = Latest(SafeCast.toInt192(m.lower), SafeCast.toUint64(id));
            emit EvaluationLogged(id, versionId, rubricHash, m.metric, m.score, m.lower, m.upper, m.n, logHash);
        }
        evaluationCount = id;
    }

    /// @notice Whether the latest value of every target's metric, under this rubric, has a lower bound of at least the minimum.
    function meets(uint256 versionId, bytes32 rubricHash, Target[] calldata targets) external view returns (bool) {
        for (uint256 i; i < targets.length; ++i) {
            Latest memory found = _latest[versionId][_key(rubricHash, targets[i].metric)];
            if (found.evaluationId == 0 || found.lower < targets[i].minimum) return false;
        }
        return true;
    }

    /// @notice The latest lower bound (ppm) of a metric under a rubric; `evaluationId` is 0 when there is none.
    function latest(uint256 versionId, bytes32 rubricHash, string calldata metric)
        external
        view
        returns (int256 lower, uint256 evaluationId)
    {
        Latest memory found = _latest[versionId][_key(rubricHash, metric)];
        return (found.lower, found.evaluationId);
    }

    function _key(bytes32 rubricHash, string calldata metric) private pure returns (bytes32) {
        return keccak256(abi.encode(rubricHash, metric));
    }
}
