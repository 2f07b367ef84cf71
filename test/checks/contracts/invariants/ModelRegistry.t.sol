// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Guardian} from "../src/Guardian.sol";
import {ModelRegistry} from "../src/ModelRegistry.sol";
import {Treasury} from "../src/Treasury.sol";
import {ModelStore} from "../src/models/ModelStore.sol";
import {Handler} from "./Handler.sol";
import {Suite} from "./Suite.sol";
import {vm} from "./Vm.sol";
import {World} from "./World.sol";

contract ModelRegistryHandler is Handler {
    ModelRegistry private immutable registry;
    Treasury private immutable treasury;

    /// @notice What each of the people should own: gOPEN, stakes and bonds of proposals together.
    mapping(address person => uint256) public worth;
    /// @notice What the treasury should hold.
    uint256 public inTreasury;
    mapping(uint256 modelId => mapping(uint256 day => uint256)) private spentOn;
    mapping(uint256 day => uint256) private paidOn;
    uint256 private pausedUntil;

    constructor(World world_) Handler(world_, 4, 7_500) {
        registry = world_.registry();
        treasury = world_.treasury();
        inTreasury = token.balanceOf(address(treasury));
        for (uint256 i; i < people.length; ++i) worth[people[i]] = START;
    }

    function stake(uint256 who, uint256 which, uint256 amount) external {
        (address person, uint256 id) = (_person(who), _model(which));
        amount = _between(amount, token.balanceOf(person));
        vm.prank(person);
        registry.stake(id, amount);
    }

    /// @notice Takes stake back, sometimes more than there is.
    function unstake(uint256 who, uint256 which, uint256 amount) external {
        (address person, uint256 id) = (_person(who), _model(which));
        uint256 staked = registry.stakeOf(id, person);
        amount = _between(amount, staked + (amount % 4 == 0 ? 1 ether : 0));
        vm.prank(person);
        registry.unstake(id, amount);
        _expect(amount <= staked, "more stake left than was there");
    }

    function fundMandate(uint256 who, uint256 which, uint256 amount) external {
        address person = _person(who);
        amount = _between(amount, token.balanceOf(person) / 8);
        vm.prank(person);
        registry.fundMandate(1 + which % 2, amount);
        worth[person] -= amount;
    }

    /// @notice The operator, or its thief, pays from a mandate.
    function spendBudget(uint256 toWhom, uint256 which, uint256 amount) external {
        uint256 id = 1 + which % 2;
        (ModelStore.Model memory model,) = registry.getModel(id);
        uint256 day = block.timestamp / 1 days;
        amount = _between(amount, model.funds / (amount % 4 == 0 ? 1 : 8));
        address person = _person(toWhom);
        vm.prank(world.operator());
        registry.spendBudget(id, person, "bounty", amount);
        uint256 whole = model.funds + spentOn[id][day];
        spentOn[id][day] += amount;
        worth[person] += amount;
        _expect(spentOn[id][day] <= whole / 2, "a mandate spent more than its share of a day");
        _expect(block.timestamp < model.deadline, "a mandate spent after its deadline");
        _expect(block.timestamp >= pausedUntil, "a mandate spent during a pause");
    }

    function closeMandate(uint256 which) external {
        uint256 id = 1 + which % 2;
        (ModelStore.Model memory model,) = registry.getModel(id);
        registry.closeMandate(id);
        _expect(block.timestamp >= model.deadline, "a mandate was closed before its deadline");
        inTreasury += model.funds;
    }

    function propose(uint256 who, uint256 lifetime, uint256 bond) external {
        address person = _person(who);
        ModelStore.Terms memory terms = world.terms(1 + lifetime % 5_000);
        bond = 10 ether + _between(bond, 10 ether);
        vm.prank(person);
        registry.propose(keccak256("specification"), "artifact:specification", terms, bond);
    }

    /// @notice Settles the bond of a proposal, mostly one for which nobody opened the vote.
    function resolveBond(uint256 which) external {
        uint256 id = _model(which);
        (ModelStore.Model memory model,) = registry.getModel(id);
        registry.resolveBond(id);
        _expect(!model.bondSettled, "a bond was settled twice");
        // For the mandates of the beginning nobody but the proposer voted: all turnout is missing, of which a fifth is taken.
        if (id <= 2) {
            inTreasury += model.bond / 5;
            return;
        }
        _expect(block.timestamp >= model.deadline, "a bond was settled while the vote could still be opened");
        worth[model.proposer] -= model.bond / 20;
        inTreasury += model.bond / 20;
    }

    /// @notice The timelock pays from the treasury.
    function payFromTreasury(uint256 toWhom, uint256 amount) external {
        uint256 day = block.timestamp / 1 days;
        uint256 held = token.balanceOf(address(treasury));
        amount = _between(amount, held);
        address person = _person(toWhom);
        vm.prank(address(world.timelock()));
        treasury.pay(person, amount);
        _expect((paidOn[day] + amount) * 2 <= held + paidOn[day], "the treasury paid more than its share of a period");
        paidOn[day] += amount;
        worth[person] += amount;
        inTreasury -= amount;
    }

    function pause() external {
        Guardian guardian = world.guardian();
        vm.prank(world.pauser());
        guardian.pause();
        pausedUntil = block.timestamp + 500;
    }

    function donate(uint256 who) external {
        address person = _person(who);
        uint256 before = donated;
        _donate(address(registry), who);
        worth[person] -= donated - before;
    }

    /// @notice Spends, pays or issues without the right to.
    function actAsStranger(uint256 who, uint256 how) external {
        address person = _person(who);
        vm.startPrank(person);
        if (how % 3 == 0) {
            try registry.spendBudget(1, person, "bounty", 1) {
                _expect(false, "a stranger spent a budget");
            } catch {}
        } else if (how % 3 == 1) {
            try treasury.pay(person, 1) {
                _expect(false, "a stranger took from the treasury");
            } catch {}
        } else {
            try registry.issueMandate(registry.modelCount()) {
                _expect(false, "a stranger issued a mandate");
            } catch {}
        }
        vm.stopPrank();
    }

    /// @dev One of the six newest models.
    function _model(uint256 seed) private view returns (uint256) {
        uint256 count = registry.modelCount();
        return count - seed % (count < 6 ? count : 6);
    }
}

contract ModelRegistryTest is Suite {
    ModelRegistryHandler private handler;

    function setUp() external {
        world = new World();
        world.issueMandate(10_000 days);
        world.issueMandate(40 days);
        world.enrich(address(this), 1_000 ether);
        world.token().transfer(address(world.treasury()), 1_000 ether);
        handler = new ModelRegistryHandler(world);
    }

    function invariant_ModelRegistry() external view {
        _checkViolation();
        ModelRegistry registry = world.registry();
        address[] memory people = handler.everybody();
        uint256[] memory own = new uint256[](people.length);
        uint256 owed;
        for (uint256 id = 1; id <= registry.modelCount(); ++id) {
            (ModelStore.Model memory model,) = registry.getModel(id);
            uint256 staked;
            for (uint256 i; i < people.length; ++i) {
                staked += registry.stakeOf(id, people[i]);
                own[i] += registry.stakeOf(id, people[i]);
                if (model.proposer == people[i] && !model.bondSettled) own[i] += model.bond;
            }
            require(model.staked == staked, "a model's stakes are not the sum of its stakers'");
            owed += staked + model.funds + (model.bondSettled ? 0 : model.bond);
        }
        require(registry.accounted() == owed, "what is accounted is not what is owed");
        require(
            world.token().balanceOf(address(registry)) == owed + handler.donated(), "bonds, funds and stakes are not held"
        );
        require(
            world.token().balanceOf(address(world.treasury())) == handler.inTreasury(),
            "the treasury holds more or less than it got"
        );
        for (uint256 i; i < people.length; ++i) {
            require(
                world.token().balanceOf(people[i]) + own[i] == handler.worth(people[i]),
                "somebody owns more or less than it put in and was paid"
            );
        }
    }

    function _handler() internal view override returns (Handler) {
        return handler;
    }
}
