// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Comparison, DatanetRegistry} from "../src/DatanetRegistry.sol";
import {Subject} from "../src/interfaces.sol";
import {DisputesHandler} from "./DisputesHandler.sol";
import {Handler} from "./Handler.sol";
import {Suite} from "./Suite.sol";
import {vm} from "./Vm.sol";
import {World} from "./World.sol";

contract DatanetRegistryHandler is DisputesHandler {
    /// A commitment and the batch that it hides.
    struct Batch {
        uint256 datanetId;
        uint256 key;
        bytes32[] contents;
        bytes32 salt;
        uint256 committedAt;
        bool used;
    }

    uint256 private constant FIRST_KEY = 3_000;

    DatanetRegistry private immutable registry;
    uint256 private immutable modelId;

    /// @notice What each contributor should own: gOPEN and stakes together.
    mapping(address contributor => uint256) public worth;
    Batch[] private batches;
    /// @notice When a contribution's stake may leave at the earliest.
    mapping(uint256 contributionId => uint256) private freeAt;
    mapping(uint256 contributionId => bool) private scored;
    /// The last signature that was used, for somebody to use again.
    bytes private usedSignature;
    uint256 private usedBatch;
    uint256 private usedStake;

    constructor(World world_, uint256 modelId_) Handler(world_, 4, FIRST_KEY) DisputesHandler(world_) {
        registry = world_.datanets();
        modelId = modelId_;
        for (uint256 i; i < people.length; ++i) worth[people[i]] = START;
        registry.createDatanet(modelId, "CC-BY-4.0", 1 ether, Comparison.Prose);
    }

    // ---------------------------------------------------------------- contributors

    function createDatanet(uint256 who, uint256 minStake) external {
        if (registry.datanetCount() > 3) return;
        vm.prank(_person(who));
        registry.createDatanet(modelId, "CC-BY-4.0", _between(minStake, 5 ether), Comparison.Exact);
    }

    function commit(uint256 who, uint256 count, uint256 content, uint256 salt) external {
        Batch storage batch = batches.push();
        batch.datanetId = 1 + content % registry.datanetCount();
        batch.key = FIRST_KEY + who % people.length;
        // Few contents, so that many are submitted twice.
        for (uint256 i; i <= count % 3; ++i) batch.contents.push(bytes32(1 + _mix(content, i) % 16));
        batch.salt = bytes32(salt);
        batch.committedAt = block.number;
        vm.prank(_person(salt));
        registry.commit(_commitment(batch), vm.addr(batch.key));
    }

    function commitAgain(uint256 which, uint256 who) external {
        Batch storage batch = batches[_batch(which)];
        vm.prank(_person(who));
        registry.commit(_commitment(batch), vm.addr(batch.key));
        _expect(!batch.used, "a used commitment was made again");
        batch.committedAt = block.number;
    }

    /// @notice Submits a batch by its contributor, or by somebody else with its signature.
    function submit(uint256 which, uint256 stakeEach, uint256 relayer, bool signs) external {
        uint256 index = _batch(which);
        Batch storage batch = batches[index];
        address contributor = vm.addr(batch.key);
        stakeEach = _between(stakeEach, 20 ether);
        bytes memory signature = signs ? _sign(batch, batch.key, stakeEach) : bytes("");
        uint256 count = registry.contributionCount();
        uint256 before = token.balanceOf(contributor);
        vm.prank(signs ? _person(relayer) : contributor);
        registry.submit(batch.datanetId, contributor, batch.contents, stakeEach, batch.salt, _deadline(), signature);
        _expect(!batch.used, "a commitment was used twice");
        _expect(
            block.number > batch.committedAt && block.number <= batch.committedAt + 256,
            "a batch was submitted in the block of its commitment, or after it expired"
        );
        _expect(
            before - token.balanceOf(contributor) == stakeEach * batch.contents.length,
            "another stake was taken than was signed"
        );
        batch.used = true;
        for (uint256 id = count + 1; id <= registry.contributionCount(); ++id) freeAt[id] = block.timestamp + 30 days;
        if (signs) (usedSignature, usedBatch, usedStake) = (signature, index, stakeEach);
    }

    /// @notice Submits without the right to, or with a signature for something else.
    function submitWrongly(uint256 which, uint256 stakeEach, uint256 thief, uint256 how) external {
        how %= 5;
        Batch storage batch = batches[_batch(which)];
        address contributor = vm.addr(batch.key);
        address caller = _person(thief);
        if (caller == contributor) return;
        stakeEach = 1 ether + _between(stakeEach, 20 ether);
        bytes memory signature;
        if (how == 0) signature = _sign(batch, FIRST_KEY + thief % people.length, stakeEach);
        if (how == 1) signature = _sign(batch, batch.key, stakeEach - 1);
        if (how == 2) {
            if (usedSignature.length == 0) return;
            batch = batches[usedBatch];
            contributor = vm.addr(batch.key);
            (signature, stakeEach) = (usedSignature, usedStake);
        }
        // The batch of another, with the thief as its contributor; or at a stake that does not fit its record.
        if (how == 3) contributor = caller;
        if (how == 4) {
            stakeEach = (1 << 96) + stakeEach;
            signature = _sign(batch, batch.key, stakeEach);
        }
        vm.startPrank(caller);
        try registry.submit(
            batch.datanetId, contributor, batch.contents, stakeEach, batch.salt, _deadline(), signature
        ) {
            _expect(false, "a batch was submitted without its contributor's consent");
        } catch {}
        vm.stopPrank();
    }

    function withdrawStake(uint256 which, uint256 count) external {
        uint256[] memory ids = new uint256[](count % 4 == 0 ? 2 : 1);
        ids[0] = lastFailed != 0 && count % 4 == 1 ? lastFailed : _contribution(which);
        if (ids.length == 2) ids[1] = _contribution(count);
        address contributor = registry.contributorOf(ids[0]);
        vm.prank(contributor);
        registry.withdrawStake(ids);
        for (uint256 i; i < ids.length; ++i) {
            _expect(registry.contributorOf(ids[i]) == contributor, "somebody withdrew another's stake");
            _expect(block.timestamp >= freeAt[ids[i]], "a stake left before its hold was over");
            _expect(!_isHeld(Subject.Contribution, ids[i]), "a stake left while its contribution is disputed");
        }
    }

    function donate(uint256 who) external {
        address person = _person(who);
        uint256 before = donated;
        _donate(address(registry), who);
        worth[person] -= donated - before;
    }

    // ---------------------------------------------------------------- the scorer

    function score(uint256 which, bool accepted) external {
        uint256[] memory ids = new uint256[](1);
        (uint32[] memory quality, uint32[] memory uniqueness) = (new uint32[](1), new uint32[](1));
        (uint8[] memory verdicts, string[] memory reasons) = (new uint8[](1), new string[](1));
        ids[0] = _contribution(which);
        (quality[0], uniqueness[0]) = (uint32(which % 1_000_001), uint32(_mix(which, 1) % 1_000_001));
        verdicts[0] = accepted ? 1 : 2;
        uint256 before = registry.stakeOf(ids[0]);
        uint256 treasuryBefore = token.balanceOf(address(world.treasury()));
        vm.prank(world.operator());
        registry.score(ids, quality, uniqueness, verdicts, reasons);
        _expect(!scored[ids[0]], "a contribution was scored twice");
        scored[ids[0]] = true;
        freeAt[ids[0]] = block.timestamp + 400;
        uint256 fee = accepted ? 0 : before < world.SCORING_FEE() ? before : world.SCORING_FEE();
        _expect(registry.stakeOf(ids[0]) == before - fee, "another fee was taken than a rejected contribution forfeits");
        _expect(token.balanceOf(address(world.treasury())) == treasuryBefore + fee, "a fee is not the treasury's");
        worth[registry.contributorOf(ids[0])] -= fee;
    }

    function slash(uint256 which, uint256 amount) external {
        uint256 id = _contribution(which);
        uint256 before = registry.stakeOf(id);
        uint256 treasuryBefore = token.balanceOf(address(world.treasury()));
        amount = _between(amount, 2 * before);
        vm.prank(world.operator());
        uint256 taken = registry.slash(id, amount, keccak256("evidence"));
        _expect(taken <= amount && registry.stakeOf(id) == before - taken, "more was slashed than was asked or staked");
        _expect(
            token.balanceOf(address(world.treasury())) == treasuryBefore + taken, "a slashed stake is not the treasury's"
        );
        worth[registry.contributorOf(id)] -= taken;
    }

    function slashAsStranger(uint256 which, uint256 who) external {
        uint256 id = _contribution(which);
        vm.prank(_person(who));
        try registry.slash(id, 1 ether, keccak256("evidence")) {
            _expect(false, "a stranger slashed a contribution");
        } catch {}
    }

    // ---------------------------------------------------------------- disputes

    function _subject(uint256 seed) internal view override returns (Subject, uint256) {
        return (Subject.Contribution, _contribution(seed));
    }

    function _stakeOf(Subject, uint256 subjectId) internal view override returns (uint256) {
        return registry.stakeOf(subjectId);
    }

    function _slashed(Subject, uint256 subjectId, uint256 amount) internal override {
        worth[registry.contributorOf(subjectId)] -= amount;
    }

    // ---------------------------------------------------------------- helpers

    /// @dev One of the four newest batches, mostly one that was not submitted.
    function _batch(uint256 seed) private view returns (uint256 index) {
        uint256 newest = batches.length < 4 ? batches.length : 4;
        index = batches.length - 1 - seed % newest;
        for (uint256 tries; tries < 3 && batches[index].used; ++tries) {
            index = batches.length - 1 - (seed % newest + tries) % newest;
        }
    }

    /// @dev One of the eight newest contributions.
    function _contribution(uint256 seed) private view returns (uint256) {
        uint256 count = registry.contributionCount();
        return count - seed % (count < 8 ? count : 8);
    }

    function _deadline() private pure returns (uint256) {
        return type(uint256).max;
    }

    function _commitment(Batch storage batch) private view returns (bytes32) {
        bytes32 contents = keccak256(abi.encodePacked(batch.contents));
        return keccak256(abi.encode(batch.datanetId, vm.addr(batch.key), contents, batch.salt));
    }

    function _sign(Batch storage batch, uint256 key, uint256 stakeEach) private view returns (bytes memory) {
        address contributor = vm.addr(batch.key);
        bytes32 content = keccak256(
            abi.encode(
                registry.CONTRIBUTION_TYPEHASH(),
                batch.datanetId,
                contributor,
                keccak256(abi.encodePacked(batch.contents)),
                stakeEach,
                registry.nonces(contributor),
                _deadline()
            )
        );
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(key, keccak256(abi.encodePacked(hex"1901", registry.DOMAIN_SEPARATOR(), content)));
        return abi.encodePacked(r, s, v);
    }
}

contract DatanetRegistryTest is Suite {
    DatanetRegistryHandler private handler;

    function setUp() external {
        world = new World();
        handler = new DatanetRegistryHandler(world, world.issueMandate(10_000 days));
    }

    function invariant_DatanetRegistry() external view {
        _checkViolation();
        handler.checkDisputes();
        DatanetRegistry registry = world.datanets();
        address[] memory people = handler.everybody();
        uint256[] memory stakes = new uint256[](people.length);
        uint256 owed = handler.donated();
        for (uint256 id = 1; id <= registry.contributionCount(); ++id) {
            uint256 stake = registry.stakeOf(id);
            address contributor = registry.contributorOf(id);
            owed += stake;
            for (uint256 i; i < people.length; ++i) if (people[i] == contributor) stakes[i] += stake;
        }
        require(world.token().balanceOf(address(registry)) == owed, "stakes are not held");
        for (uint256 i; i < people.length; ++i) {
            require(
                world.token().balanceOf(people[i]) + stakes[i] == handler.worth(people[i]),
                "a contributor owns more or less than it put in"
            );
        }
    }

    function _handler() internal view override returns (Handler) {
        return handler;
    }
}
