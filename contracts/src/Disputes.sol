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
    IGuardian,
    IModelRegistry,
    IRewardDistributor,
    Subject
} from "./interfaces.sol";

/// @title Disputes with a bond: about a contribution, a judgement, a version or a reward map (rule 12, amendments 10b and 12a)
/// @notice A resolver's verdict takes effect after the appeal time, in which the timelock may decide otherwise. A dispute that nobody decides
/// within its term lapses and returns the bond; a disputed reward map waits for the timelock instead, and when it is cancelled with an earlier one, its
/// dispute lapses whatever was ruled. While a dispute is open, and for
/// `reopenTime` after it failed, its subject's stake is held and its reward map does not become final: so a dispute by an
/// accomplice keeps no other away.
/// Invariant: the token balance is at least the bonds of open disputes.
contract Disputes is AccessControl, ReentrancyGuardTransient, IDisputes {
    using SafeERC20 for IERC20;

    bytes32 public constant RESOLVER_ROLE = keccak256("RESOLVER_ROLE");
    uint8 public constant UPHELD = 1;
    uint8 public constant REJECTED = 2;
    uint8 public constant LAPSED = 3;
    /// @notice The least bond is this part of the stake that the dispute holds, basis points.
    uint256 public constant BOND_BPS = 1_000;
    /// @notice The bond about a reward map doubles with each rejected dispute of its epoch, at most this often.
    uint256 public constant MAX_DOUBLINGS = 32;
    uint256 private constant BPS = 10_000;

    /// `outcome`: 0 while it is open. `verdict`: a resolver's, in force from `effectiveAt` on; 0 when there is none.
    struct Dispute {
        address challenger;
        Subject kind;
        uint8 outcome;
        uint8 verdict;
        uint64 openedAt;
        uint256 effectiveAt;
        uint256 subjectId;
        uint256 bond;
        uint256 slashAmount;
        bytes32 evidenceHash;
        /// The disputed map's root and publication; 0 for other subjects.
        bytes32 root;
        uint64 publishedAt;
    }

    /// Seconds.
    struct Times {
        /// From a resolver's verdict to its effect.
        uint256 appealTime;
        /// From the opening until an undecided dispute lapses.
        uint256 term;
        /// How long a subject is held, and can be disputed again, after a dispute about it failed.
        uint256 reopenTime;
    }

    IERC20 public immutable token;
    IModelRegistry public immutable registry;
    IDatanetRegistry public immutable datanets;
    IFeedbackPool public immutable feedback;
    IRewardDistributor public immutable distributor;
    address public immutable treasury;
    address public immutable timelock;
    IGuardian public immutable guardian;
    uint256 public immutable minBond;
    uint256 public immutable appealTime;
    uint256 public immutable term;
    uint256 public immutable reopenTime;

    uint256 public disputeCount;

    mapping(uint256 disputeId => Dispute) public disputes;
    /// @notice The open dispute about a subject; 0 when there is none.
    mapping(Subject kind => mapping(uint256 subjectId => uint256)) public openDispute;
    /// @notice Until when a subject is held after a dispute about it failed.
    mapping(Subject kind => mapping(uint256 subjectId => uint256)) public heldUntil;
    /// @notice Whether a dispute about a subject was upheld. It is not set for reward maps, because their epoch is published again.
    mapping(Subject kind => mapping(uint256 subjectId => bool)) public wasUpheld;
    /// @notice How many disputes about the epoch's reward maps were rejected.
    mapping(uint256 epoch => uint256) public rejectedMaps;
    mapping(address validator => uint256) public openJudgements;
    mapping(address validator => uint256) public validatorHeldUntil;

    event DisputeOpened(
        uint256 indexed disputeId,
        uint8 indexed kind,
        uint256 indexed subjectId,
        address challenger,
        uint256 bond,
        bytes32 evidenceHash
    );
    /// A resolver's verdict, which takes effect at `effectiveAt` unless the timelock decides before.
    event DisputeRuled(uint256 indexed disputeId, uint8 verdict, uint256 slashAmount, uint256 effectiveAt);
    event DisputeResolved(uint256 indexed disputeId, uint8 outcome, uint256 slashed);

    /// @notice The evidence's hash is zero.
    error EmptyHash();
    /// @notice There is no such contribution, revealed judgement or version, or it can no longer be disputed.
    error UnknownSubject(Subject kind, uint256 subjectId);
    /// @notice The epoch has no map that can still be disputed.
    error NotChallengeable(uint256 epoch);
    /// @notice The epoch has another map by now, or none.
    error OtherMap(uint256 epoch);
    /// @notice A dispute about this subject is open or was upheld.
    error AlreadyDisputed(Subject kind, uint256 subjectId);
    /// @notice No dispute has this id.
    error UnknownDispute(uint256 disputeId);
    /// @notice The dispute is already resolved.
    error AlreadyResolved(uint256 disputeId);
    /// @notice A resolver has ruled already; only the timelock may decide otherwise.
    error AlreadyRuled(uint256 disputeId);
    /// @notice The caller may not decide this: resolvers rule on what recomputation decides, the timelock resolves any.
    error MayNotResolve(address caller, Subject kind);
    /// @notice Only an upheld dispute about a contribution or a judgement can slash.
    error NothingToSlash(Subject kind, bool upheld);
    /// @notice The guardian has paused; try again later.
    error GuardianPaused();
    /// @notice The verdict takes effect, or the dispute lapses, at that time; a map without a verdict waits for the timelock.
    error NotDue(uint256 disputeId, uint256 dueAt);

    constructor(
        IERC20 token_,
        IModelRegistry registry_,
        IDatanetRegistry datanets_,
        IFeedbackPool feedback_,
        IRewardDistributor distributor_,
        address treasury_,
        address timelock_,
        IGuardian guardian_,
        address resolver,
        uint256 minBond_,
        Times memory times
    ) {
        token = token_;
        registry = registry_;
        datanets = datanets_;
        feedback = feedback_;
        distributor = distributor_;
        treasury = treasury_;
        timelock = timelock_;
        guardian = guardian_;
        minBond = minBond_;
        appealTime = times.appealTime;
        term = times.term;
        reopenTime = times.reopenTime;
        _grantRole(DEFAULT_ADMIN_ROLE, timelock_);
        if (resolver != address(0)) _grantRole(RESOLVER_ROLE, resolver);
    }

    /// @notice Opens a dispute, which ends a moot one about the same subject, and transfers `bondFor` the subject from the caller. A judgement's id is `taskId << 160 | validator`.
    function open(Subject kind, uint256 subjectId, bytes32 evidenceHash)
        external
        nonReentrant
        returns (uint256 disputeId)
    {
        return _openAbout(kind, subjectId, evidenceHash);
    }

    /// @notice Opens a dispute about the epoch's map if it is the one with this root that was published at this time: whoever has found it wrong
    /// loses no bond to a right one that has replaced it since.
    function openMap(uint256 epoch, bytes32 root, uint64 publishedAt, bytes32 evidenceHash)
        external
        nonReentrant
        returns (uint256 disputeId)
    {
        if (distributor.publishedAt(epoch) != publishedAt || distributor.rootOf(epoch) != root) revert OtherMap(epoch);
        return _openAbout(Subject.RewardMap, epoch, evidenceHash);
    }

    function _openAbout(Subject kind, uint256 subjectId, bytes32 evidenceHash) private returns (uint256 disputeId) {
        if (evidenceHash == 0) revert EmptyHash();
        uint256 earlier = openDispute[kind][subjectId];
        bool endsEarlier = earlier != 0 && isMoot(earlier);
        if ((earlier != 0 && !endsEarlier) || wasUpheld[kind][subjectId]) revert AlreadyDisputed(kind, subjectId);
        if (endsEarlier) {
            disputes[earlier].outcome = LAPSED;
            heldUntil[kind][subjectId] = block.timestamp + reopenTime;
            emit DisputeResolved(earlier, LAPSED, 0);
        }
        bytes32 root = _checkSubject(kind, subjectId);
        uint256 bond = bondFor(kind, subjectId);
        disputeId = ++disputeCount;
        Dispute storage d = disputes[disputeId];
        d.challenger = msg.sender;
        d.kind = kind;
        d.openedAt = uint64(block.timestamp);
        d.subjectId = subjectId;
        d.bond = bond;
        d.evidenceHash = evidenceHash;
        d.root = root;
        if (kind == Subject.RewardMap) d.publishedAt = distributor.publishedAt(subjectId);
        openDispute[kind][subjectId] = disputeId;
        if (kind == Subject.Judgement) ++openJudgements[validatorOf(subjectId)];
        emit DisputeOpened(disputeId, uint8(kind), subjectId, msg.sender, bond, evidenceHash);
        token.safeTransferFrom(msg.sender, address(this), bond);
        if (endsEarlier) _pay(disputes[earlier].challenger, disputes[earlier].bond);
    }

    /// @notice The bond of a dispute about a subject: a tenth of the stake that it holds, doubled for each rejected dispute about the same
    /// epoch's map, and at least `minBond`.
    function bondFor(Subject kind, uint256 subjectId) public view returns (uint256) {
        if (kind == Subject.RewardMap) {
            uint256 rejected = rejectedMaps[subjectId];
            return minBond << (rejected < MAX_DOUBLINGS ? rejected : MAX_DOUBLINGS);
        }
        uint256 stake;
        if (kind == Subject.Contribution) stake = datanets.stakeOf(subjectId);
        else if (kind == Subject.Judgement) stake = feedback.stakeOf(validatorOf(subjectId));
        uint256 share = stake * BOND_BPS / BPS;
        return share > minBond ? share : minBond;
    }

    /// @notice A resolver's verdict on what recomputation decides, once per dispute and within its term. `enforce` carries it out after the appeal time.
    function rule(uint256 disputeId, bool upheld, uint256 slashAmount) external onlyRole(RESOLVER_ROLE) {
        Dispute storage d = _open(disputeId);
        if (d.kind == Subject.Judgement) revert MayNotResolve(msg.sender, d.kind);
        if (d.verdict != 0) revert AlreadyRuled(disputeId);
        if (d.kind != Subject.RewardMap && block.timestamp >= d.openedAt + term) revert NotDue(disputeId, d.openedAt + term);
        _checkSlash(d.kind, upheld, slashAmount);
        d.verdict = upheld ? UPHELD : REJECTED;
        d.slashAmount = slashAmount;
        d.effectiveAt = block.timestamp + appealTime;
        emit DisputeRuled(disputeId, d.verdict, slashAmount, d.effectiveAt);
    }

    /// @notice Carries out a verdict after its appeal time, or lets a dispute lapse: an undecided one after its term, a moot one at once. Anyone may call
    /// it, not while the guardian pauses.
    function enforce(uint256 disputeId) external nonReentrant {
        if (guardian.isPaused()) revert GuardianPaused();
        Dispute storage d = _open(disputeId);
        if (isMoot(disputeId)) return _close(disputeId, d, LAPSED, 0);
        uint256 dueAt = d.verdict != 0 ? d.effectiveAt : d.kind == Subject.RewardMap ? type(uint256).max : d.openedAt + term;
        if (block.timestamp < dueAt) revert NotDue(disputeId, dueAt);
        _close(disputeId, d, d.verdict == 0 ? LAPSED : d.verdict, d.slashAmount);
    }

    /// @notice Decides a dispute at once, whatever a resolver ruled. The timelock only.
    function resolve(uint256 disputeId, bool upheld, uint256 slashAmount) external nonReentrant {
        Dispute storage d = _open(disputeId);
        if (msg.sender != timelock) revert MayNotResolve(msg.sender, d.kind);
        _checkSlash(d.kind, upheld, slashAmount);
        _close(disputeId, d, isMoot(disputeId) ? LAPSED : upheld ? UPHELD : REJECTED, slashAmount);
    }

    /// @notice Whether the disputed reward map was cancelled with an earlier one. Then nothing is left to decide: whoever challenged it was neither right
    /// nor wrong, and what was published since can be disputed anew.
    function isMoot(uint256 disputeId) public view returns (bool) {
        Dispute storage d = disputes[disputeId];
        if (d.kind != Subject.RewardMap || d.outcome != 0) return false;
        return distributor.publishedAt(d.subjectId) != d.publishedAt || distributor.rootOf(d.subjectId) != d.root;
    }

    /// @notice Whether the subject is disputed, or was until less than `reopenTime` ago: then its stake stays and its map is not final.
    function isHeld(Subject kind, uint256 subjectId) external view returns (bool) {
        return openDispute[kind][subjectId] != 0 || block.timestamp < heldUntil[kind][subjectId];
    }

    /// @notice Whether one of the validator's judgements is held.
    function holdsStakeOf(address validator) external view returns (bool) {
        return openJudgements[validator] != 0 || block.timestamp < validatorHeldUntil[validator];
    }

    /// @notice A judgement's id from its task and validator.
    function judgementId(uint256 taskId, address validator) external pure returns (uint256) {
        return (taskId << 160) | uint160(validator);
    }

    function validatorOf(uint256 subjectId) public pure returns (address) {
        return address(uint160(subjectId));
    }

    /// @dev Upheld: the subject is slashed by at most `slashAmount`, rolled back or cancelled; the challenger gets the bond and half of the slash, at
    /// most the bond; the treasury gets the rest. Rejected: the bond goes to the treasury. Lapsed: the bond goes back.
    function _close(uint256 disputeId, Dispute storage d, uint8 outcome, uint256 slashAmount) private {
        d.outcome = outcome;
        delete openDispute[d.kind][d.subjectId];
        if (d.kind == Subject.Judgement) --openJudgements[validatorOf(d.subjectId)];
        uint256 slashed;
        if (outcome == UPHELD) {
            slashed = _enforce(disputeId, d, slashAmount);
        } else {
            uint256 until = block.timestamp + reopenTime;
            heldUntil[d.kind][d.subjectId] = until;
            if (d.kind == Subject.Judgement) validatorHeldUntil[validatorOf(d.subjectId)] = until;
            if (d.kind == Subject.RewardMap && outcome == REJECTED) ++rejectedMaps[d.subjectId];
        }
        emit DisputeResolved(disputeId, outcome, slashed);
        uint256 bounty = slashed / 2 < d.bond ? slashed / 2 : d.bond;
        _pay(outcome == REJECTED ? treasury : d.challenger, d.bond + bounty);
        _pay(treasury, slashed - bounty);
    }

    function _enforce(uint256 disputeId, Dispute storage d, uint256 slashAmount) private returns (uint256 slashed) {
        if (d.kind == Subject.RewardMap) {
            distributor.cancel(d.subjectId);
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
            root = distributor.rootOf(id);
            // Held after a failed dispute: the map is not final, and somebody else may dispute it although its window is over.
            bool reopened = distributor.publishedAt(id) != 0 && block.timestamp < heldUntil[kind][id];
            if (!reopened && !distributor.isChallengeable(id)) revert NotChallengeable(id);
            return root;
        }
        bool known;
        if (kind == Subject.Contribution) known = datanets.contributorOf(id) != address(0);
        else if (kind == Subject.Judgement) known = feedback.hasRevealed(id >> 160, validatorOf(id));
        else known = registry.modelOfVersion(id) != 0 && !registry.isRolledBack(id);
        if (!known) revert UnknownSubject(kind, id);
    }

    function _open(uint256 disputeId) private view returns (Dispute storage d) {
        d = disputes[disputeId];
        if (d.challenger == address(0)) revert UnknownDispute(disputeId);
        if (d.outcome != 0) revert AlreadyResolved(disputeId);
    }

    function _checkSlash(Subject kind, bool upheld, uint256 slashAmount) private pure {
        bool slashes = upheld && (kind == Subject.Contribution || kind == Subject.Judgement);
        if (slashAmount != 0 && !slashes) revert NothingToSlash(kind, upheld);
    }

    function _pay(address to, uint256 amount) private {
        if (amount != 0) token.safeTransfer(to, amount);
    }
}
