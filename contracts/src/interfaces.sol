// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @dev The functions that the contracts call on each other, and nothing else.

/// One metric of a mandate: the minimum for the lower bound of an evaluation, ppm (rule 15). Unless it `mayFall`, no version is promoted that
/// is significantly worse at it than the live one (amendment 15).
struct Target {
    string metric;
    int256 minimum;
    bool mayFall;
}

/// What can be disputed (rule 12).
enum Subject {
    Contribution,
    Judgement,
    Version,
    RewardMap
}

interface IModelRegistry {
    function modelExists(uint256 modelId) external view returns (bool);
    function mandateIssued(uint256 modelId) external view returns (bool);
    function modelOfVersion(uint256 versionId) external view returns (uint256);
    function isServing(uint256 versionId) external view returns (bool);
    function isRolledBack(uint256 versionId) external view returns (bool);
    function fundMandate(uint256 modelId, uint256 amount) external;
    function rollback(uint256 versionId, string calldata reason) external;
}

interface IEvaluationRegistry {
    function meets(uint256 versionId, bytes32 rubricHash, Target[] calldata targets) external view returns (bool);
    function worseAt(uint256 versionId, uint256 liveVersionId, bytes32 rubricHash, Target[] calldata targets)
        external
        view
        returns (string memory metric);
}

interface IDatanetRegistry {
    function contributorOf(uint256 contributionId) external view returns (address);
    function stakeOf(uint256 contributionId) external view returns (uint256);
    function slash(uint256 contributionId, uint256 amount, bytes32 evidenceHash) external returns (uint256 taken);
}

interface IFeedbackPool {
    function hasRevealed(uint256 taskId, address validator) external view returns (bool);
    function stakeOf(address validator) external view returns (uint256);
    function slash(uint256 taskId, address validator, uint256 amount, bytes32 evidenceHash)
        external
        returns (uint256 taken);
}

interface IRewardDistributor {
    function fund(uint256 amount) external;
    function runningEpoch() external view returns (uint256 epoch, uint256 toBlock);
    function isChallengeable(uint256 epoch) external view returns (bool);
    function lastEpoch() external view returns (uint256);
    function rootOf(uint256 epoch) external view returns (bytes32);
    function publishedAt(uint256 epoch) external view returns (uint64);
    function cancel(uint256 epoch) external;
}

interface IGuardian {
    function isPaused() external view returns (bool);
}

interface IDisputes {
    function isHeld(Subject kind, uint256 subjectId) external view returns (bool);
    function holdsStakeOf(address validator) external view returns (bool);
}
