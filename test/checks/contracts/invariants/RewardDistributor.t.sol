// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {RewardDistributor} from "../src/RewardDistributor.sol";
import {Subject} from "../src/interfaces.sol";
import {DisputesHandler} from "./DisputesHandler.sol";
import {Handler} from "./Handler.sol";
import {Suite} from "./Suite.sol";
import {vm} from "./Vm.sol";
import {World} from "./World.sol";

contract RewardDistributorHandler is DisputesHandler {
    /// A published map: what it promises each of the four people in all.
    struct Published {
        uint256[4] cumulative;
        bytes32 root;
        uint256 soFar;
        uint256 publishedAt;
        address bonded;
    }

    RewardDistributor private immutable distributor;

    /// @notice What each of the people should own: gOPEN and bonds of maps together.
    mapping(address person => uint256) public worth;
    /// @notice What was paid in, and what was claimed.
    uint256 public paidIn;
    uint256 public paidOut;
    /// @notice The newest epoch by whose map something was claimed or whose bond came back.
    uint256 public final_;
    /// The maps by epoch; the first, of no epoch, is empty.
    Published[] private maps;
    uint256 private publishersTurn;

    constructor(World world_) Handler(world_, 4, 4_000) DisputesHandler(world_) {
        distributor = world_.distributor();
        maps.push();
        for (uint256 i; i < people.length; ++i) worth[people[i]] = START;
        publishersTurn = block.number;
    }

    function fund(uint256 who, uint256 amount) external {
        address person = _person(who);
        amount = _between(amount, token.balanceOf(person) / 10);
        vm.prank(person);
        distributor.fund(amount);
        worth[person] -= amount;
        paidIn += amount;
    }

    function donate(uint256 who) external {
        address person = _person(who);
        uint256 before = donated;
        _donate(address(distributor), who);
        worth[person] -= donated - before;
    }

    // ---------------------------------------------------------------- maps

    /// @notice Publishes the next map: by the operator or a stranger, honest or not.
    function publish(uint256 who, uint256 seed, bool greedy) external {
        address publisher = who % 2 == 0 ? world.operator() : _person(who / 2);
        uint256 epoch = maps.length;
        Published memory before = maps[epoch - 1];
        uint256 total = _between(seed, distributor.totalFunded() - before.soFar);
        Published memory map = _mapOf(before, total, seed, greedy);
        uint256 toBlock = _endOf(epoch);
        bytes32 blockHash = blockhash(toBlock);
        if (blockHash == 0) blockHash = keccak256("old block");
        vm.prank(publisher);
        distributor.publish(epoch, blockHash, map.root, total, "artifact:leaves", keccak256("code"));
        _expect(toBlock < block.number, "a map of an epoch that runs");
        map.soFar = before.soFar + total;
        map.publishedAt = block.timestamp;
        if (publisher == world.operator()) {
            publishersTurn = block.number;
        } else {
            uint256 since = toBlock > publishersTurn ? toBlock : publishersTurn;
            _expect(block.number > since + world.EPOCH_BLOCKS(), "a stranger published in the publishers' turn");
            map.bonded = publisher;
        }
        maps.push(map);
    }

    /// @notice Publishes what the contract must refuse.
    function publishWrongly(uint256 who, uint256 seed, uint256 how) external {
        how %= 4;
        uint256 epoch = maps.length;
        Published memory before = maps[epoch - 1];
        uint256 free = distributor.totalFunded() - before.soFar;
        bytes32 blockHash = blockhash(_endOf(epoch));
        uint256 total = how == 0 ? free + 1 + _between(seed, 100 ether) : _between(seed, free);
        if (how == 1) epoch = seed % 2 == 0 ? epoch + 1 : epoch - 1;
        if (how == 2) {
            if (blockHash == 0) return;
            blockHash = keccak256(abi.encode(blockHash));
        }
        bytes32 root = how == 3 ? bytes32(0) : keccak256("root");
        if (how == 3 && before.soFar + total == 0) return;
        vm.prank(who % 2 == 0 ? world.operator() : _person(who));
        try distributor.publish(epoch, blockHash, root, total, "artifact:leaves", keccak256("code")) {
            _expect(false, "a wrong map was accepted");
        } catch {}
        vm.prank(_person(who));
        try distributor.cancel(maps.length - 1) {
            _expect(false, "a stranger cancelled a map");
        } catch {}
    }

    function advance() external {
        _seeFinal(distributor.advance());
    }

    function returnBond(uint256 which) external {
        uint256 epoch = which % maps.length;
        for (uint256 tries; tries < 6 && maps[epoch].bonded == address(0); ++tries) epoch = (epoch + 1) % maps.length;
        address bonded = maps[epoch].bonded;
        uint256 before = token.balanceOf(bonded);
        distributor.returnBond(epoch);
        _expect(bonded != address(0), "a bond came back that nobody had given");
        _expect(token.balanceOf(bonded) == before + world.PUBLISHER_BOND(), "a bond went to somebody else");
        maps[epoch].bonded = address(0);
        _seeFinal(epoch);
    }

    // ---------------------------------------------------------------- claims

    function claim(uint256 who, uint256 back) external {
        uint256 index = who % 4;
        uint256 epoch = distributor.newestFinal();
        if (back % 8 == 0 && epoch > 1) --epoch;
        address person = people[index];
        uint256 before = token.balanceOf(person);
        uint256 had = distributor.claimed(person);
        distributor.claim(epoch, person, maps[epoch].cumulative[index], _proof(epoch, index));
        uint256 amount = token.balanceOf(person) - before;
        _expect(had + amount == maps[epoch].cumulative[index], "a claim paid something else than its leaf");
        _expect(!world.guardian().isPaused(), "a claim during a pause");
        _seeFinal(epoch);
        _expect(epoch == final_, "a claim by a map that a newer final one replaced");
        worth[person] += amount;
        paidOut += amount;
        _expect(paidOut <= maps[epoch].soFar, "claims exceed what the final maps declare");
    }

    /// @notice Claims with another amount, account, epoch or proof.
    function claimWrongly(uint256 who, uint256 seed, uint256 how) external {
        how %= 4;
        uint256 index = who % 4;
        uint256 epoch = how == 2 ? distributor.lastEpoch() : distributor.newestFinal();
        if (epoch == 0 || (how == 2 && epoch == distributor.newestFinal())) return;
        uint256 amount = maps[epoch].cumulative[index];
        bytes32[] memory proof = _proof(epoch, index);
        address person = people[index];
        if (how == 0) amount += 1 + _between(seed, 10 ether);
        if (how == 1) person = vm.addr(9_999);
        if (how == 3) {
            // An inner node in the place of a leaf.
            bytes32[] memory short = new bytes32[](1);
            short[0] = proof[1];
            proof = short;
        }
        vm.prank(person);
        try distributor.claim(epoch, person, amount, proof) {
            _expect(false, "a claim without a leaf of a final map");
        } catch {}
    }

    /// @notice Throws when the maps on chain are not those that were published.
    function checkMaps() external view {
        require(distributor.lastEpoch() == maps.length - 1, "another number of maps than were published");
        require(distributor.finalEpoch() >= final_, "a final map is no longer final");
        for (uint256 epoch = 1; epoch < maps.length; ++epoch) {
            (bytes32 root, uint256 soFar,, address bonded) = distributor.maps(epoch);
            Published storage map = maps[epoch];
            require(root == map.root && soFar == map.soFar && bonded == map.bonded, "a map changed");
        }
    }

    function bonds(address person) public view returns (uint256 sum) {
        for (uint256 epoch = 1; epoch < maps.length; ++epoch) {
            if (maps[epoch].bonded == person) sum += world.PUBLISHER_BOND();
        }
    }

    // ---------------------------------------------------------------- disputes

    function _subject(uint256 seed) internal view override returns (Subject, uint256) {
        uint256 pending = maps.length - 1 - final_;
        return (Subject.RewardMap, pending == 0 ? final_ : final_ + 1 + seed % pending);
    }

    function _stakeOf(Subject, uint256) internal pure override returns (uint256) {}

    function _slashed(Subject, uint256, uint256) internal override {}

    function _identityOf(Subject, uint256 epoch) internal view override returns (bytes32) {
        return epoch < maps.length ? keccak256(abi.encode(maps[epoch].root, maps[epoch].publishedAt)) : bytes32(0);
    }

    /// @dev The disputed map and all later ones are gone.
    function _upheld(Subject, uint256 epoch) internal override returns (uint256 lost) {
        _expect(epoch > final_, "a final map was cancelled");
        _expect(distributor.lastEpoch() == epoch - 1, "another map was cancelled than the disputed one");
        if (maps[epoch].bonded != address(0)) {
            lost = world.PUBLISHER_BOND();
            worth[maps[epoch].bonded] -= lost;
        }
        while (maps.length > epoch) maps.pop();
        publishersTurn = block.number;
    }

    // ---------------------------------------------------------------- helpers

    /// @dev Everything up to this epoch is final: every window is over, and nothing is held.
    function _seeFinal(uint256 epoch) private {
        for (uint256 e = final_ + 1; e <= epoch; ++e) {
            _expect(block.timestamp >= maps[e].publishedAt + world.WINDOW(), "a map is final before its window is over");
            _expect(!_isHeld(Subject.RewardMap, e), "a disputed map is final");
        }
        if (epoch > final_) final_ = epoch;
    }

    function _endOf(uint256 epoch) private view returns (uint256) {
        (uint256 running, uint256 toBlock) = distributor.runningEpoch();
        return epoch >= running ? toBlock : distributor.endOf(epoch);
    }

    /// @dev An honest map adds shares of `total`; a greedy one promises each person anything.
    function _mapOf(Published memory before, uint256 total, uint256 seed, bool greedy)
        private
        view
        returns (Published memory map)
    {
        for (uint256 i; i < 4; ++i) {
            uint256 luck = _mix(seed, i);
            map.cumulative[i] = greedy ? _between(luck, 2_000 ether) : before.cumulative[i] + total / 4;
        }
        if (before.soFar + total != 0) map.root = _root(map.cumulative);
    }

    function _leaf(uint256 epoch, uint256 index, uint256 cumulative) private view returns (bytes32) {
        return keccak256(
            bytes.concat(keccak256(abi.encode(block.chainid, address(distributor), epoch, people[index], cumulative)))
        );
    }

    function _pair(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return a < b ? keccak256(abi.encode(a, b)) : keccak256(abi.encode(b, a));
    }

    /// @dev The root of the next epoch's tree.
    function _root(uint256[4] memory c) private view returns (bytes32) {
        uint256 e = maps.length;
        return _pair(_pair(_leaf(e, 0, c[0]), _leaf(e, 1, c[1])), _pair(_leaf(e, 2, c[2]), _leaf(e, 3, c[3])));
    }

    function _proof(uint256 epoch, uint256 index) private view returns (bytes32[] memory proof) {
        uint256[4] memory c = maps[epoch].cumulative;
        proof = new bytes32[](2);
        proof[0] = _leaf(epoch, index ^ 1, c[index ^ 1]);
        uint256 other = index < 2 ? 2 : 0;
        proof[1] = _pair(_leaf(epoch, other, c[other]), _leaf(epoch, other + 1, c[other + 1]));
    }
}

contract RewardDistributorTest is Suite {
    RewardDistributorHandler private handler;

    function setUp() external {
        world = new World();
        handler = new RewardDistributorHandler(world);
    }

    function invariant_RewardDistributor() external view {
        _checkViolation();
        handler.checkDisputes();
        handler.checkMaps();
        RewardDistributor distributor = world.distributor();
        address[] memory people = handler.everybody();
        (uint256 bonds, uint256 claimed) = (0, 0);
        for (uint256 i; i < people.length; ++i) {
            uint256 held = handler.bonds(people[i]);
            bonds += held;
            claimed += distributor.claimed(people[i]);
            require(
                world.token().balanceOf(people[i]) + held == handler.worth(people[i]),
                "somebody owns more or less than it claimed and paid in"
            );
        }
        require(distributor.totalFunded() == handler.paidIn(), "the funds are not what was paid in");
        require(distributor.totalClaimed() == handler.paidOut() && claimed == handler.paidOut(), "claims are counted wrongly");
        require(
            world.token().balanceOf(address(distributor))
                == handler.paidIn() - handler.paidOut() + bonds + handler.donated(),
            "funds and bonds are not held"
        );
        _checkEpochs(distributor);
    }

    /// @dev Epochs follow each other, each ends with a period, and together they have all funds.
    function _checkEpochs(RewardDistributor distributor) private view {
        uint256 sum;
        uint256 last = distributor.epochCount();
        for (uint256 epoch = 1; epoch <= last; ++epoch) {
            uint256 end = distributor.endOf(epoch);
            require(end > distributor.endOf(epoch - 1), "epochs overlap");
            require((end + 1 - distributor.firstBlock()) % world.EPOCH_BLOCKS() == 0, "an epoch ends within a period");
            require(distributor.funded(epoch) != 0, "an epoch without funds");
            sum += distributor.funded(epoch);
        }
        require(sum == distributor.totalFunded(), "the epochs' funds are not all funds");
        (, uint256 soFar,,) = distributor.maps(distributor.lastEpoch());
        require(soFar <= distributor.totalFunded(), "maps declare more than the funds");
        require(distributor.lastEpoch() <= last && distributor.finalEpoch() <= distributor.lastEpoch(), "maps without an epoch");
    }

    function _handler() internal view override returns (Handler) {
        return handler;
    }
}
