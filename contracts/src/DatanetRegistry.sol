// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IDatanetRegistry, IDisputes, IModelRegistry, Subject} from "./interfaces.sol";

/// How a datanet compares samples: without symbols, with them, or only for being the same text.
enum Comparison {
    Prose,
    Code,
    Exact
}

/// @title Datanets and their signed, staked contributions (rules 3 and 4)
/// @notice The salted hash of a batch must be committed in an earlier block than the batch, so nobody can copy a pending sample.
contract DatanetRegistry is AccessControl, EIP712, Nonces, ReentrancyGuardTransient, IDatanetRegistry {
    using SafeERC20 for IERC20;

    bytes32 public constant SCORER_ROLE = keccak256("SCORER_ROLE");
    bytes32 public constant SLASHER_ROLE = keccak256("SLASHER_ROLE");
    bytes32 public constant CONTRIBUTION_TYPEHASH = keccak256(
        "Contribution(uint256 datanetId,address contributor,bytes32 contentsHash,uint256 stakeEach,uint256 nonce,uint256 deadline)"
    );
    /// @notice The stake of a contribution that nobody has scored may be withdrawn after this time.
    uint256 public constant UNSCORED_HOLD = 30 days;
    /// @notice A commitment can be used for this many blocks.
    uint256 public constant COMMITMENT_BLOCKS = 256;
    uint8 public constant ACCEPTED = 1;
    uint8 public constant REJECTED = 2;
    uint32 private constant PPM = 1_000_000;
    /// @dev In `committedAt`, for a commitment that was used: it cannot be made again, because its place in the order stands.
    uint256 private constant USED = type(uint256).max;

    struct Datanet {
        address owner;
        uint64 modelId;
        Comparison comparison;
        uint256 minStake;
    }

    struct Contribution {
        address contributor;
        uint96 stake;
        uint64 datanetId;
        uint48 submittedAt;
        uint48 scoredAt;
        uint8 verdict;
    }

    IERC20 public immutable token;
    IModelRegistry public immutable registry;
    IDisputes public immutable disputes;
    address public immutable treasury;
    /// @notice Seconds for which a scored contribution's stake is held, because it may be disputed.
    uint256 public immutable stakeHold;
    /// @notice What a rejected contribution forfeits of its stake, in wei: whoever floods a datanet pays for the work.
    uint256 public immutable scoringFee;

    uint256 public datanetCount;
    uint256 public contributionCount;

    mapping(uint256 datanetId => Datanet) public datanets;
    mapping(uint256 contributionId => Contribution) public contributions;
    /// @notice The first contribution submitted with a content hash in a datanet; 0 when there is none. Others may follow, so that a copied
    /// hash reverts nobody's batch: who committed first is decided by the scores.
    mapping(uint256 datanetId => mapping(bytes32 contentHash => uint256)) public contributionOf;
    /// @notice The block of a contributor's commitment; 0 when there is none, the largest number when it was used.
    mapping(address contributor => mapping(bytes32 commitment => uint256)) public committedAt;

    event DatanetCreated(
        uint256 indexed datanetId, uint256 indexed modelId, address indexed owner, string licence, uint256 minStake, Comparison comparison
    );
    event ContributionCommitted(bytes32 indexed commitment, address indexed contributor);
    event ContributionSubmitted(
        uint256 indexed contributionId,
        uint256 indexed datanetId,
        address indexed contributor,
        bytes32 contentHash,
        uint256 stake,
        bytes32 commitment
    );
    event ContributionScored(
        uint256 indexed contributionId,
        address indexed scorer,
        uint32 quality,
        uint32 uniqueness,
        uint8 verdict,
        string reason
    );
    event ScoringFeeForfeited(uint256 indexed contributionId, address indexed contributor, uint256 amount);
    event ContributionStakeReturned(uint256 indexed contributionId, address indexed contributor, uint256 amount);
    event Slashed(
        address indexed account, uint256 indexed subjectId, string role, uint256 amount, bytes32 evidenceHash
    );

    /// @notice No model has this id.
    error UnknownModel(uint256 modelId);
    /// @notice No datanet has this id.
    error UnknownDatanet(uint256 datanetId);
    /// @notice No contribution has this id.
    error UnknownContribution(uint256 contributionId);
    /// @notice A datanet needs a licence.
    error EmptyLicence();
    /// @notice The contributor is the zero address.
    error ZeroContributor();
    /// @notice The commitment, or a content hash, is zero.
    error EmptyHash();
    /// @notice The batch is empty.
    error EmptyBatch();
    /// @notice The commitment was already made, in that block, or used (then the block is the largest number).
    error AlreadyCommitted(bytes32 commitment, uint256 blockNumber);
    /// @notice The contributor has no such commitment; commit to exactly this datanet, contents and salt first.
    error NotCommitted(bytes32 commitment);
    /// @notice The commitment must be in an earlier block; submit in the next one.
    error CommitmentTooFresh(bytes32 commitment);
    /// @notice The submission's deadline has passed.
    error SubmissionExpired(uint256 deadline);
    /// @notice The signature is not the contributor's for this batch, nonce, deadline, chain and contract.
    error BadSignature(address contributor, uint256 nonce);
    /// @notice The stake per contribution is below the datanet's minimum, or below the scoring fee.
    error StakeTooSmall(uint256 stakeEach, uint256 minStake);
    /// @notice The commitment expired in that block; commit again.
    error CommitmentExpired(bytes32 commitment, uint256 expiredAt);
    /// @notice The arrays differ in length.
    error LengthMismatch();
    /// @notice The contribution is already scored.
    error AlreadyScored(uint256 contributionId);
    /// @notice The verdict is 1 (accepted) or 2 (rejected).
    error BadVerdict(uint8 verdict);
    /// @notice Quality and uniqueness are at most 1,000,000 ppm.
    error ScoreTooLarge(uint32 quality, uint32 uniqueness);
    /// @notice The caller is not the contributor.
    error NotContributor(uint256 contributionId, address contributor);
    /// @notice The stake is held until that time.
    error StakeHeld(uint256 contributionId, uint256 until);
    /// @notice A dispute about the contribution is open, or failed a short time ago: others may still dispute it.
    error Disputed(uint256 contributionId);
    /// @notice There is no stake left on the contribution.
    error NoStake(uint256 contributionId);
    /// @notice Slashing needs the scorers' role or that of the disputes contract.
    error MayNotSlash(address caller);

    constructor(
        IERC20 token_,
        IModelRegistry registry_,
        IDisputes disputes_,
        address treasury_,
        address timelock,
        address operator,
        uint256 stakeHold_,
        uint256 scoringFee_
    ) EIP712("DatanetRegistry", "1") {
        token = token_;
        registry = registry_;
        disputes = disputes_;
        treasury = treasury_;
        stakeHold = stakeHold_;
        scoringFee = scoringFee_;
        _grantRole(DEFAULT_ADMIN_ROLE, timelock);
        _grantRole(SLASHER_ROLE, address(disputes_));
        if (operator != address(0)) _grantRole(SCORER_ROLE, operator);
    }

    /// @notice Opens a datanet for a model; the caller owns it.
    function createDatanet(uint256 modelId, string calldata licence, uint256 minStake, Comparison comparison)
        external
        returns (uint256 datanetId)
    {
        if (!registry.modelExists(modelId)) revert UnknownModel(modelId);
        if (bytes(licence).length == 0) revert EmptyLicence();
        datanetId = ++datanetCount;
        datanets[datanetId] = Datanet(msg.sender, SafeCast.toUint64(modelId), comparison, minStake);
        emit DatanetCreated(datanetId, modelId, msg.sender, licence, minStake, comparison);
    }

    /// @notice Records a commitment, `keccak256(abi.encode(datanetId, contributor, contentsHash, salt))`. Anyone may relay it:
    /// it is stored for its contributor, so a commitment of somebody else to the same hash has no effect.
    function commit(bytes32 commitment, address contributor) external {
        if (commitment == 0) revert EmptyHash();
        if (contributor == address(0)) revert ZeroContributor();
        uint256 since = committedAt[contributor][commitment];
        if (since == USED || (since != 0 && block.number <= since + COMMITMENT_BLOCKS)) {
            revert AlreadyCommitted(commitment, since);
        }
        committedAt[contributor][commitment] = block.number;
        emit ContributionCommitted(commitment, contributor);
    }

    /// @notice Submits a committed batch with a stake of `stakeEach` wei for each content, transferred from the contributor. The
    /// signature may be empty when the contributor is the caller.
    /// @return firstId the id of the first; the others follow
    function submit(
        uint256 datanetId,
        address contributor,
        bytes32[] calldata contentHashes,
        uint256 stakeEach,
        bytes32 salt,
        uint256 deadline,
        bytes calldata signature
    ) external nonReentrant returns (uint256 firstId) {
        if (contentHashes.length == 0) revert EmptyBatch();
        if (deadline < block.timestamp) revert SubmissionExpired(deadline);
        _checkStake(datanetId, stakeEach);
        bytes32 contentsHash = keccak256(abi.encodePacked(contentHashes));
        bytes32 commitment = _useCommitment(datanetId, contributor, contentsHash, salt);
        if (msg.sender != contributor || signature.length != 0) {
            _checkSignature(datanetId, contributor, contentsHash, stakeEach, deadline, signature);
        }
        firstId = contributionCount + 1;
        contributionCount += contentHashes.length;
        for (uint256 i; i < contentHashes.length; ++i) {
            _store(firstId + i, datanetId, contributor, contentHashes[i], stakeEach, commitment);
        }
        if (stakeEach != 0) {
            token.safeTransferFrom(contributor, address(this), stakeEach * contentHashes.length);
        }
    }

    /// @notice Scores contributions, each once. What is rejected forfeits the scoring fee to the treasury.
    function score(
        uint256[] calldata ids,
        uint32[] calldata quality,
        uint32[] calldata uniqueness,
        uint8[] calldata verdicts,
        string[] calldata reasons
    ) external onlyRole(SCORER_ROLE) nonReentrant {
        if (
            quality.length != ids.length || uniqueness.length != ids.length || verdicts.length != ids.length
                || reasons.length != ids.length
        ) revert LengthMismatch();
        uint256 forfeited;
        for (uint256 i; i < ids.length; ++i) {
            Contribution storage c = _contribution(ids[i]);
            if (c.scoredAt != 0) revert AlreadyScored(ids[i]);
            if (verdicts[i] != ACCEPTED && verdicts[i] != REJECTED) revert BadVerdict(verdicts[i]);
            if (quality[i] > PPM || uniqueness[i] > PPM) revert ScoreTooLarge(quality[i], uniqueness[i]);
            c.scoredAt = uint48(block.timestamp);
            c.verdict = verdicts[i];
            emit ContributionScored(ids[i], msg.sender, quality[i], uniqueness[i], verdicts[i], reasons[i]);
            if (verdicts[i] == REJECTED) forfeited += _forfeitFee(ids[i], c);
        }
        if (forfeited != 0) token.safeTransfer(treasury, forfeited);
    }

    /// @notice Returns the caller's stakes: `stakeHold` after scoring (or `UNSCORED_HOLD` after submission if nobody scored),
    /// unless a dispute is open.
    function withdrawStake(uint256[] calldata ids) external nonReentrant {
        uint256 total;
        for (uint256 i; i < ids.length; ++i) {
            Contribution storage c = _contribution(ids[i]);
            if (c.contributor != msg.sender) revert NotContributor(ids[i], c.contributor);
            uint256 until = c.scoredAt == 0 ? c.submittedAt + UNSCORED_HOLD : c.scoredAt + stakeHold;
            if (block.timestamp < until) revert StakeHeld(ids[i], until);
            if (disputes.isHeld(Subject.Contribution, ids[i])) revert Disputed(ids[i]);
            uint256 amount = c.stake;
            if (amount == 0) revert NoStake(ids[i]);
            c.stake = 0;
            total += amount;
            emit ContributionStakeReturned(ids[i], msg.sender, amount);
        }
        token.safeTransfer(msg.sender, total);
    }

    /// @notice Takes at most `amount` of a contribution's stake: to the treasury when a scorer calls (rule 4), to the caller when the
    /// disputes contract calls, which pays half of it to the challenger and the rest to the treasury (rule 12).
    function slash(uint256 contributionId, uint256 amount, bytes32 evidenceHash)
        external
        nonReentrant
        returns (uint256 taken)
    {
        bool byDisputes = hasRole(SLASHER_ROLE, msg.sender);
        if (!byDisputes && !hasRole(SCORER_ROLE, msg.sender)) revert MayNotSlash(msg.sender);
        if (evidenceHash == 0) revert EmptyHash();
        Contribution storage c = _contribution(contributionId);
        taken = amount < c.stake ? amount : c.stake;
        c.stake -= uint96(taken);
        emit Slashed(c.contributor, contributionId, "contributor", taken, evidenceHash);
        if (taken != 0) token.safeTransfer(byDisputes ? msg.sender : treasury, taken);
    }

    function contributorOf(uint256 contributionId) external view returns (address) {
        return contributions[contributionId].contributor;
    }

    /// @notice The stake that is left on a contribution.
    function stakeOf(uint256 contributionId) external view returns (uint256) {
        return contributions[contributionId].stake;
    }

    // solhint-disable-next-line func-name-mixedcase
    function DOMAIN_SEPARATOR() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    function _checkStake(uint256 datanetId, uint256 stakeEach) private view {
        Datanet storage datanet = datanets[datanetId];
        if (datanet.owner == address(0)) revert UnknownDatanet(datanetId);
        uint256 least = datanet.minStake < scoringFee ? scoringFee : datanet.minStake;
        if (stakeEach < least) revert StakeTooSmall(stakeEach, least);
    }

    function _forfeitFee(uint256 id, Contribution storage c) private returns (uint256 fee) {
        fee = scoringFee < c.stake ? scoringFee : c.stake;
        if (fee == 0) return 0;
        c.stake -= uint96(fee);
        emit ScoringFeeForfeited(id, c.contributor, fee);
    }

    function _useCommitment(uint256 datanetId, address contributor, bytes32 contentsHash, bytes32 salt)
        private
        returns (bytes32 commitment)
    {
        commitment = keccak256(abi.encode(datanetId, contributor, contentsHash, salt));
        uint256 since = committedAt[contributor][commitment];
        if (since == 0 || since == USED) revert NotCommitted(commitment);
        if (since >= block.number) revert CommitmentTooFresh(commitment);
        if (block.number > since + COMMITMENT_BLOCKS) revert CommitmentExpired(commitment, since + COMMITMENT_BLOCKS);
        committedAt[contributor][commitment] = USED;
    }

    function _checkSignature(
        uint256 datanetId,
        address contributor,
        bytes32 contentsHash,
        uint256 stakeEach,
        uint256 deadline,
        bytes calldata signature
    ) private {
        uint256 nonce = _useNonce(contributor);
        bytes32 digest = _hashTypedDataV4(
            keccak256(
                abi.encode(CONTRIBUTION_TYPEHASH, datanetId, contributor, contentsHash, stakeEach, nonce, deadline)
            )
        );
        if (!SignatureChecker.isValidSignatureNowCalldata(contributor, digest, signature)) {
            revert BadSignature(contributor, nonce);
        }
    }

    function _store(
        uint256 id,
        uint256 datanetId,
        address contributor,
        bytes32 contentHash,
        uint256 stakeEach,
        bytes32 commitment
    ) private {
        if (contentHash == 0) revert EmptyHash();
        if (contributionOf[datanetId][contentHash] == 0) contributionOf[datanetId][contentHash] = id;
        contributions[id] = Contribution(
            contributor, SafeCast.toUint96(stakeEach), uint64(datanetId), uint48(block.timestamp), 0, 0
        );
        emit ContributionSubmitted(id, datanetId, contributor, contentHash, stakeEach, commitment);
    }

    function _contribution(uint256 id) private view returns (Contribution storage c) {
        c = contributions[id];
        if (c.contributor == address(0)) revert UnknownContribution(id);
    }
}
