// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {IDisputes, IGuardian, IRewardDistributor, Subject} from "./interfaces.sol";

/// @title Epochs' fees and the Merkle roots by which people claim them (rule 10)
/// @notice Maps are cumulative: each lists every account's rewards so far, and only the newest final one is claimed by. A map is
/// final when its challenge window is over and no dispute about it or an earlier one is open.
/// Invariants: `totalPayable <= totalFunded`, `totalClaimed <=` the totals of the final maps.
contract RewardDistributor is AccessControl, ReentrancyGuardTransient, IRewardDistributor {
    using SafeERC20 for IERC20;

    bytes32 public constant PUBLISHER_ROLE = keccak256("PUBLISHER_ROLE");
    bytes32 public constant CANCELLER_ROLE = keccak256("CANCELLER_ROLE");

    struct RewardMap {
        bytes32 root;
        /// The sum of the totals of this map and all earlier ones.
        uint256 payableSoFar;
        uint64 toBlock;
        uint64 publishedAt;
    }

    IERC20 public immutable token;
    IDisputes public immutable disputes;
    IGuardian public immutable guardian;
    /// @notice Seconds in which a map can be disputed.
    uint256 public immutable challengeWindow;

    /// @notice The last epoch with a map; epochs count from 1.
    uint256 public lastEpoch;
    /// @notice The last epoch that was recorded as final (later ones may be final too, see `isFinal`).
    uint256 public finalEpoch;
    uint256 public totalFunded;
    uint256 public totalClaimed;

    mapping(uint256 epoch => RewardMap) public maps;
    mapping(uint256 epoch => uint256) public funded;
    mapping(address account => uint256) public claimed;

    event EpochFunded(uint256 indexed epoch, uint256 amount);
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
    event RewardClaimed(uint256 indexed epoch, address indexed account, uint256 amount);

    /// @notice The amount is zero.
    error ZeroAmount();
    /// @notice A hash is zero, or the root of a map that pays somebody.
    error EmptyHash();
    /// @notice The epoch already has its map; fund the current epoch.
    error EpochClosed(uint256 epoch, uint256 currentEpoch);
    /// @notice Epochs are published in order; this one is next.
    error NotNextEpoch(uint256 epoch, uint256 nextEpoch);
    /// @notice The blocks must follow those of the last map, in ascending order, and be in the past.
    error BadBlockRange(uint64 fromBlock, uint64 toBlock, uint256 expectedFrom);
    /// @notice The hash is not that of `toBlock` on this chain.
    error WrongBlockHash(uint64 toBlock, bytes32 actual);
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
        address timelock,
        address operator,
        uint256 challengeWindow_
    ) {
        token = token_;
        disputes = disputes_;
        guardian = guardian_;
        challengeWindow = challengeWindow_;
        _grantRole(DEFAULT_ADMIN_ROLE, timelock);
        _grantRole(CANCELLER_ROLE, address(disputes_));
        if (operator != address(0)) _grantRole(PUBLISHER_ROLE, operator);
    }

    /// @notice Adds the caller's tokens to an epoch that has no map yet.
    function fund(uint256 epoch, uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        if (epoch <= lastEpoch) revert EpochClosed(epoch, lastEpoch + 1);
        funded[epoch] += amount;
        totalFunded += amount;
        emit EpochFunded(epoch, amount);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @notice Publishes the next epoch's map over the blocks `fromBlock` to `toBlock`, which follow the last map's. `total` is
    /// what becomes payable by it; `uri` is where the leaves are, `codeHash` identifies the rules that computed them (rule 11).
    function publish(
        uint256 epoch,
        uint64 fromBlock,
        uint64 toBlock,
        bytes32 blockHash,
        bytes32 root,
        uint256 total,
        string calldata uri,
        bytes32 codeHash
    ) external onlyRole(PUBLISHER_ROLE) {
        if (epoch != lastEpoch + 1) revert NotNextEpoch(epoch, lastEpoch + 1);
        advance();
        uint256 soFar = maps[epoch - 1].payableSoFar;
        if ((root == 0 && soFar + total != 0) || blockHash == 0 || codeHash == 0) revert EmptyHash();
        _checkBlocks(epoch, fromBlock, toBlock, blockHash);
        if (soFar + total > totalFunded) revert TotalExceedsFunds(total, totalFunded - soFar);
        maps[epoch] = RewardMap(root, soFar + total, toBlock, uint64(block.timestamp));
        lastEpoch = epoch;
        emit RewardMapPublished(epoch, fromBlock, toBlock, blockHash, root, total, uri, codeHash);
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
            delete maps[last];
        }
        lastEpoch = epoch - 1;
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

    function _checkBlocks(uint256 epoch, uint64 fromBlock, uint64 toBlock, bytes32 blockHash) private view {
        uint256 expected = epoch == 1 ? fromBlock : uint256(maps[epoch - 1].toBlock) + 1;
        if (fromBlock != expected || toBlock < fromBlock || toBlock >= block.number) {
            revert BadBlockRange(fromBlock, toBlock, expected);
        }
        bytes32 actual = blockhash(toBlock);
        if (actual != 0 && actual != blockHash) revert WrongBlockHash(toBlock, actual);
    }
}
