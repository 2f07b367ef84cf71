// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {IDisputes, IGuardian, IRewardDistributor, Subject} from "./interfaces.sol";

/// @title Epochs' fees and the Merkle roots by which people claim them (rule 10, amendment 10a)
/// @notice Blocks are counted in periods of `epochLength` from `firstBlock`. A period in which fees arrive is the end of an epoch: its blocks
/// follow those of the last epoch and end with the period. So an epoch's blocks, and the fees in them, are facts of the chain; periods without
/// fees need no map. Maps are cumulative: each lists every account's rewards so far, and only the newest final one is claimed by. A map is
/// final when its challenge window is over and no dispute about it or an earlier one is open.
/// Invariants: `totalPayable <= totalFunded`, `totalClaimed <=` the totals of the final maps, the token balance is at least
/// `totalFunded - totalClaimed` plus the bonds held.
contract RewardDistributor is AccessControl, ReentrancyGuardTransient, IRewardDistributor {
    using SafeERC20 for IERC20;

    bytes32 public constant PUBLISHER_ROLE = keccak256("PUBLISHER_ROLE");
    bytes32 public constant CANCELLER_ROLE = keccak256("CANCELLER_ROLE");
    /// @notice How many maps may wait for finality. Therefore one transaction can cancel all of them, or record them as final.
    uint256 public constant MAX_PENDING = 256;

    /// The settings: seconds in which a map can be disputed, blocks of a period, wei of a publisher's bond.
    struct Epochs {
        uint256 challengeWindow;
        uint256 length;
        uint256 publisherBond;
    }

    struct RewardMap {
        bytes32 root;
        /// The sum of the totals of this map and all earlier ones.
        uint256 payableSoFar;
        uint64 publishedAt;
        /// Who published with a bond; nobody when a publisher by role did.
        address bonded;
    }

    IERC20 public immutable token;
    IDisputes public immutable disputes;
    IGuardian public immutable guardian;
    /// @notice Seconds in which a map can be disputed.
    uint256 public immutable challengeWindow;
    /// @notice Blocks of a period.
    uint256 public immutable epochLength;
    /// @notice What a publisher without the role deposits, wei.
    uint256 public immutable publisherBond;
    address public immutable treasury;
    /// @notice The first block of the first epoch.
    uint256 public immutable firstBlock;

    /// @notice The last epoch in which fees arrived; it may have no map yet. Epochs count from 1.
    uint256 public epochCount;
    /// @notice The last epoch with a map; epochs count from 1.
    uint256 public lastEpoch;
    /// @notice The last epoch that was recorded as final (later ones may be final too, see `isFinal`).
    uint256 public finalEpoch;
    uint256 public totalFunded;
    uint256 public totalClaimed;

    /// @notice The block of the last publication by the role, or of the last cancellation: from then on, too, publishers have one period.
    /// Strangers' maps do not count, so that strangers can publish all that silent publishers left.
    uint256 public lastChange;

    mapping(uint256 epoch => RewardMap) public maps;
    /// @notice The last block of an epoch; 0 for an epoch in which no fees have arrived.
    mapping(uint256 epoch => uint256) public endOf;
    mapping(uint256 epoch => uint256) public funded;
    mapping(address account => uint256) public claimed;

    /// `toBlock`: the epoch's last block.
    event EpochFunded(uint256 indexed epoch, address indexed from, uint256 amount, uint256 toBlock);
    event RewardMapPublished(
        uint256 indexed epoch,
        uint64 fromBlock,
        uint64 toBlock,
        bytes32 blockHash,
        bytes32 root,
        uint256 total,
        string uri,
        bytes32 codeHash
    );
    event RewardMapCancelled(uint256 indexed epoch, bytes32 root);
    event BondHeld(uint256 indexed epoch, address indexed publisher, uint256 amount);
    /// `to`: the publisher of a map that is final, or the treasury when the map was cancelled.
    event BondReleased(uint256 indexed epoch, address indexed to, uint256 amount);
    event RewardClaimed(uint256 indexed epoch, address indexed account, uint256 amount);

    /// @notice The amount is zero.
    error ZeroAmount();
    /// @notice A hash is zero, or the root of a map that pays somebody.
    error EmptyHash();
    /// @notice Epochs are published in order; this one is next.
    error NotNextEpoch(uint256 epoch, uint256 nextEpoch);
    /// @notice No fees have arrived in this epoch, or its last block is not mined yet.
    error EpochRunning(uint256 epoch, uint256 toBlock);
    /// @notice `MAX_PENDING` maps wait for finality already; publish when the first of them is final or cancelled.
    error TooManyPending(uint256 epoch, uint256 finalEpoch);
    /// @notice Until that block only an account with the publisher's role may publish.
    error PublishersTurn(uint256 epoch, uint256 untilBlock);
    /// @notice Nobody has a bond in this map.
    error NoBond(uint256 epoch);
    /// @notice The hash is not that of `toBlock` on this chain.
    error WrongBlockHash(uint256 toBlock, bytes32 actual);
    /// @notice The maps' totals would exceed the funds received.
    error TotalExceedsFunds(uint256 total, uint256 available);
    /// @notice The epoch has no map.
    error UnknownEpoch(uint256 epoch);
    /// @notice The map can still be disputed, or a dispute is open.
    error NotFinal(uint256 epoch);
    /// @notice A newer map is final; claim with that one.
    error Superseded(uint256 epoch, uint256 finalEpoch);
    /// @notice The proof does not lead from this leaf to the epoch's root.
    error BadProof(uint256 epoch, address account, uint256 cumulative);
    /// @notice The account has already claimed this amount or more.
    error NothingToClaim(address account, uint256 cumulative, uint256 claimed);
    /// @notice The claim would exceed what the final maps declare payable.
    error ExceedsPayable(uint256 amount, uint256 available);
    /// @notice The guardian has paused; claim later.
    error GuardianPaused();
    /// @notice A final map cannot be cancelled.
    error AlreadyFinal(uint256 epoch);

    constructor(
        IERC20 token_,
        IDisputes disputes_,
        IGuardian guardian_,
        address treasury_,
        address timelock,
        address operator,
        Epochs memory epochs
    ) {
        token = token_;
        disputes = disputes_;
        guardian = guardian_;
        treasury = treasury_;
        challengeWindow = epochs.challengeWindow;
        epochLength = epochs.length;
        publisherBond = epochs.publisherBond;
        firstBlock = block.number;
        lastChange = block.number;
        _grantRole(DEFAULT_ADMIN_ROLE, timelock);
        _grantRole(CANCELLER_ROLE, address(disputes_));
        if (operator != address(0)) _grantRole(PUBLISHER_ROLE, operator);
    }

    /// @notice Adds the caller's tokens to the running epoch.
    function fund(uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        (uint256 epoch, uint256 toBlock) = runningEpoch();
        if (epoch > epochCount) {
            epochCount = epoch;
            endOf[epoch] = toBlock;
        }
        funded[epoch] += amount;
        totalFunded += amount;
        emit EpochFunded(epoch, msg.sender, amount, toBlock);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @notice The epoch to which fees of this block belong, and its last block.
    function runningEpoch() public view returns (uint256 epoch, uint256 toBlock) {
        toBlock = block.number + (epochLength - 1) - (block.number - firstBlock) % epochLength;
        epoch = endOf[epochCount] == toBlock ? epochCount : epochCount + 1;
    }

    /// @notice Publishes the next epoch's map. `total` is what becomes payable by it; `uri` is where the leaves are, `codeHash` identifies the
    /// rules that computed them (rule 11). An account without the role must wait until the publishers were silent for a period, and deposits
    /// a bond, which it gets back when the map is final.
    function publish(
        uint256 epoch,
        bytes32 blockHash,
        bytes32 root,
        uint256 total,
        string calldata uri,
        bytes32 codeHash
    ) external nonReentrant {
        if (epoch != lastEpoch + 1) revert NotNextEpoch(epoch, lastEpoch + 1);
        if (epoch > advance() + MAX_PENDING) revert TooManyPending(epoch, finalEpoch);
        uint256 toBlock = endOf[epoch];
        if (toBlock == 0 || toBlock >= block.number) revert EpochRunning(epoch, toBlock);
        uint256 soFar = maps[epoch - 1].payableSoFar;
        if ((root == 0 && soFar + total != 0) || blockHash == 0 || codeHash == 0) revert EmptyHash();
        bytes32 actual = blockhash(toBlock);
        if (actual != 0 && actual != blockHash) revert WrongBlockHash(toBlock, actual);
        if (soFar + total > totalFunded) revert TotalExceedsFunds(total, totalFunded - soFar);
        address bonded = hasRole(PUBLISHER_ROLE, msg.sender) ? address(0) : msg.sender;
        if (bonded != address(0)) {
            uint256 until = (toBlock > lastChange ? toBlock : lastChange) + epochLength;
            if (block.number <= until) revert PublishersTurn(epoch, until);
        }
        maps[epoch] = RewardMap(root, soFar + total, uint64(block.timestamp), bonded);
        lastEpoch = epoch;
        if (bonded == address(0)) lastChange = block.number;
        uint64 fromBlock = uint64(epoch == 1 ? firstBlock : endOf[epoch - 1] + 1);
        emit RewardMapPublished(epoch, fromBlock, uint64(toBlock), blockHash, root, total, uri, codeHash);
        if (bonded != address(0)) {
            emit BondHeld(epoch, bonded, publisherBond);
            token.safeTransferFrom(bonded, address(this), publisherBond);
        }
    }

    /// @notice Gives the bond of a final map back to its publisher. Anyone may call it.
    function returnBond(uint256 epoch) external nonReentrant {
        if (epoch == 0 || epoch > advance()) revert NotFinal(epoch);
        _releaseBond(epoch, maps[epoch].bonded);
    }

    /// @notice Pays an account the difference between the newest final map's amount and what it has claimed. Anyone may call it.
    function claim(uint256 epoch, address account, uint256 cumulative, bytes32[] calldata proof) external nonReentrant {
        if (guardian.isPaused()) revert GuardianPaused();
        if (epoch == 0 || epoch > lastEpoch) revert UnknownEpoch(epoch);
        uint256 newest = advance();
        if (epoch > newest) revert NotFinal(epoch);
        if (epoch < newest) revert Superseded(epoch, newest);
        if (!MerkleProof.verifyCalldata(proof, maps[epoch].root, leaf(epoch, account, cumulative))) {
            revert BadProof(epoch, account, cumulative);
        }
        uint256 before = claimed[account];
        if (cumulative <= before) revert NothingToClaim(account, cumulative, before);
        uint256 amount = cumulative - before;
        uint256 available = maps[epoch].payableSoFar - totalClaimed;
        if (amount > available) revert ExceedsPayable(amount, available);
        claimed[account] = cumulative;
        totalClaimed += amount;
        emit RewardClaimed(epoch, account, amount);
        token.safeTransfer(account, amount);
    }

    /// @notice Cancels an epoch's map and all later ones, which depend on it; the epochs may be published again. Disputes contract only.
    function cancel(uint256 epoch) external onlyRole(CANCELLER_ROLE) {
        if (epoch == 0 || epoch > lastEpoch) revert UnknownEpoch(epoch);
        if (epoch <= finalEpoch) revert AlreadyFinal(epoch);
        for (uint256 last = lastEpoch; last >= epoch; --last) {
            emit RewardMapCancelled(last, maps[last].root);
            if (maps[last].bonded != address(0)) _releaseBond(last, last == epoch ? treasury : maps[last].bonded);
            delete maps[last];
        }
        lastEpoch = epoch - 1;
        lastChange = block.number;
    }

    /// @notice Records which maps have become final. Anyone may call it; claims do.
    /// @return newest the newest final epoch
    function advance() public returns (uint256 newest) {
        newest = finalEpoch;
        while (newest < lastEpoch && _settles(newest + 1)) ++newest;
        if (newest != finalEpoch) finalEpoch = newest;
    }

    /// @notice The newest final epoch, whose map is used for claims; 0 when there is none.
    function newestFinal() public view returns (uint256 newest) {
        newest = finalEpoch;
        while (newest < lastEpoch && _settles(newest + 1)) ++newest;
    }

    function isFinal(uint256 epoch) external view returns (bool) {
        return epoch != 0 && epoch <= newestFinal();
    }

    /// @notice Whether a dispute may be opened about the epoch's map.
    function isChallengeable(uint256 epoch) external view returns (bool) {
        return epoch != 0 && epoch <= lastEpoch && block.timestamp < maps[epoch].publishedAt + challengeWindow;
    }

    /// @notice The root of the epoch's map; 0 when it has none.
    function rootOf(uint256 epoch) external view returns (bytes32) {
        return maps[epoch].root;
    }

    /// @notice When the epoch's map was published; 0 when it has none.
    function publishedAt(uint256 epoch) external view returns (uint64) {
        return maps[epoch].publishedAt;
    }

    /// @notice A leaf of OpenZeppelin's standard tree.
    function leaf(uint256 epoch, address account, uint256 cumulative) public view returns (bytes32) {
        return keccak256(
            bytes.concat(keccak256(abi.encode(block.chainid, address(this), epoch, account, cumulative)))
        );
    }

    function _settles(uint256 epoch) private view returns (bool) {
        return block.timestamp >= maps[epoch].publishedAt + challengeWindow
            && !disputes.isHeld(Subject.RewardMap, epoch);
    }

    function _releaseBond(uint256 epoch, address to) private {
        if (maps[epoch].bonded == address(0)) revert NoBond(epoch);
        maps[epoch].bonded = address(0);
        emit BondReleased(epoch, to, publisherBond);
        token.safeTransfer(to, publisherBond);
    }
}
