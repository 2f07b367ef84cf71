// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {
    IDatanetRegistry,
    IDisputes,
    IFeedbackPool,
    IModelRegistry,
    IRewardDistributor,
    Subject
} from "./interfaces.sol";

/// @title Disputes with a bond: about a contribution, a judgement, a version or a reward map (rule 12, amendment 12a)
/// @notice While a dispute is open, its subject's stake is held, and its reward map does not become final.
/// Invariant: the token balance is at least the bonds of open disputes.
contract Disputes is AccessControl, ReentrancyGuardTransient, IDisputes {
    using SafeERC20 for IERC20;

    bytes32 public constant RESOLVER_ROLE = keccak256("RESOLVER_ROLE");
    uint8 public constant UPHELD = 1;
    uint8 public constant REJECTED = 2;

    struct Dispute {
        address challenger;
        Subject kind;
        uint8 outcome;
        uint256 subjectId;
        uint256 bond;
        bytes32 evidenceHash;
        /// The disputed map's root; 0 for other subjects.
        bytes32 root;
    }

    IERC20 public immutable token;
    IModelRegistry public immutable registry;
    IDatanetRegistry public immutable datanets;
    IFeedbackPool public immutable feedback;
    IRewardDistributor public immutable distributor;
    address public immutable treasury;
    address public immutable timelock;
    uint256 public immutable minBond;

    uint256 public disputeCount;

    mapping(uint256 disputeId => Dispute) public disputes;
    /// @notice The open dispute about a subject; 0 when there is none.
    mapping(Subject kind => mapping(uint256 subjectId => uint256)) public openDispute;
    /// @notice Whether a dispute about a subject was upheld. It is not set for reward maps, because their epoch is published again.
    mapping(Subject kind => mapping(uint256 subjectId => bool)) public wasUpheld;
    mapping(address validator => uint256) public openJudgements;

    event DisputeOpened(
        uint256 indexed disputeId,
        uint8 indexed kind,
        uint256 indexed subjectId,
        address challenger,
        uint256 bond,
        bytes32 evidenceHash
    );
    event DisputeResolved(uint256 indexed disputeId, uint8 outcome, uint256 slashed);

    /// @notice The evidence's hash is zero.
    error EmptyHash();
    /// @notice There is no such contribution, revealed judgement or version, or it can no longer be disputed.
    error UnknownSubject(Subject kind, uint256 subjectId);
    /// @notice The epoch has no map within its challenge window.
    error NotChallengeable(uint256 epoch);
    /// @notice A dispute about this subject is open or was upheld.
    error AlreadyDisputed(Subject kind, uint256 subjectId);
    /// @notice No dispute has this id.
    error UnknownDispute(uint256 disputeId);
    /// @notice The dispute is already resolved.
    error AlreadyResolved(uint256 disputeId);
    /// @notice The caller may not resolve this kind: resolvers may resolve what recomputation decides, the timelock any.
    error MayNotResolve(address caller, Subject kind);
    /// @notice Only an upheld dispute about a contribution or a judgement can slash.
    error NothingToSlash(Subject kind, bool upheld);

    constructor(
        IERC20 token_,
        IModelRegistry registry_,
        IDatanetRegistry datanets_,
        IFeedbackPool feedback_,
        IRewardDistributor distributor_,
        address treasury_,
        address timelock_,
        address resolver,
        uint256 minBond_
    ) {
        token = token_;
        registry = registry_;
        datanets = datanets_;
        feedback = feedback_;
        distributor = distributor_;
        treasury = treasury_;
        timelock = timelock_;
        minBond = minBond_;
        _grantRole(DEFAULT_ADMIN_ROLE, timelock_);
        if (resolver != address(0)) _grantRole(RESOLVER_ROLE, resolver);
    }

    /// @notice Opens a dispute and transfers `minBond` from the caller. A judgement's id is `taskId << 160 | validator`.
    function open(Subject kind, uint256 subjectId, bytes32 evidenceHash)
        external
        nonReentrant
        returns (uint256 disputeId)
    {
        if (evidenceHash == 0) revert EmptyHash();
        if (openDispute[kind][subjectId] != 0 || wasUpheld[kind][subjectId]) revert AlreadyDisputed(kind, subjectId);
        bytes32 root = _checkSubject(kind, subjectId);
        disputeId = ++disputeCount;
        disputes[disputeId] = Dispute(msg.sender, kind, 0, subjectId, minBond, evidenceHash, root);
        openDispute[kind][subjectId] = disputeId;
        if (kind == Subject.Judgement) ++openJudgements[validatorOf(subjectId)];
        emit DisputeOpened(disputeId, uint8(kind), subjectId, msg.sender, minBond, evidenceHash);
        token.safeTransferFrom(msg.sender, address(this), minBond);
    }

    /// @notice Decides a dispute. Upheld: the subject is slashed by at most `slashAmount`, rolled back or cancelled, and the
    /// challenger gets the bond and half of the slash; the treasury gets the rest. Rejected: the bond goes to the treasury.
    function resolve(uint256 disputeId, bool upheld, uint256 slashAmount) external nonReentrant {
        Dispute storage d = disputes[disputeId];
        if (d.challenger == address(0)) revert UnknownDispute(disputeId);
        if (d.outcome != 0) revert AlreadyResolved(disputeId);
        if (msg.sender != timelock && (d.kind == Subject.Judgement || !hasRole(RESOLVER_ROLE, msg.sender))) {
            revert MayNotResolve(msg.sender, d.kind);
        }
        bool slashes = upheld && (d.kind == Subject.Contribution || d.kind == Subject.Judgement);
        if (slashAmount != 0 && !slashes) revert NothingToSlash(d.kind, upheld);
        d.outcome = upheld ? UPHELD : REJECTED;
        delete openDispute[d.kind][d.subjectId];
        if (d.kind == Subject.Judgement) --openJudgements[validatorOf(d.subjectId)];
        uint256 slashed;
        if (upheld) slashed = _enforce(disputeId, d, slashAmount);
        emit DisputeResolved(disputeId, d.outcome, slashed);
        uint256 reward = slashed / 2;
        _pay(upheld ? d.challenger : treasury, d.bond + reward);
        _pay(treasury, slashed - reward);
    }

    function isOpen(Subject kind, uint256 subjectId) external view returns (bool) {
        return openDispute[kind][subjectId] != 0;
    }

    /// @notice A judgement's id from its task and validator.
    function judgementId(uint256 taskId, address validator) external pure returns (uint256) {
        return (taskId << 160) | uint160(validator);
    }

    function validatorOf(uint256 subjectId) public pure returns (address) {
        return address(uint160(subjectId));
    }

    function _enforce(uint256 disputeId, Dispute storage d, uint256 slashAmount) private returns (uint256 slashed) {
        if (d.kind == Subject.RewardMap) {
            // If the map was cancelled with an earlier one in the meantime, the challenger was right and nothing is left to cancel.
            if (distributor.rootOf(d.subjectId) == d.root) distributor.cancel(d.subjectId);
            return 0;
        }
        wasUpheld[d.kind][d.subjectId] = true;
        if (d.kind == Subject.Contribution) return datanets.slash(d.subjectId, slashAmount, d.evidenceHash);
        if (d.kind == Subject.Judgement) {
            return feedback.slash(d.subjectId >> 160, validatorOf(d.subjectId), slashAmount, d.evidenceHash);
        }
        if (!registry.isRolledBack(d.subjectId)) {
            registry.rollback(d.subjectId, string.concat("dispute ", Strings.toString(disputeId)));
        }
    }

    /// @return root the reward map's root; 0 for other subjects
    function _checkSubject(Subject kind, uint256 id) private view returns (bytes32 root) {
        if (kind == Subject.RewardMap) {
            if (!distributor.isChallengeable(id)) revert NotChallengeable(id);
            return distributor.rootOf(id);
        }
        bool known;
        if (kind == Subject.Contribution) known = datanets.contributorOf(id) != address(0);
        else if (kind == Subject.Judgement) known = feedback.hasRevealed(id >> 160, validatorOf(id));
        else known = registry.modelOfVersion(id) != 0 && !registry.isRolledBack(id);
        if (!known) revert UnknownSubject(kind, id);
    }

    function _pay(address to, uint256 amount) private {
        if (amount != 0) token.safeTransfer(to, amount);
    }
}
