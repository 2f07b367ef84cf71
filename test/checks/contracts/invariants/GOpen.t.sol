// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {GOpen} from "../src/GOpen.sol";
import {Handler} from "./Handler.sol";
import {Suite} from "./Suite.sol";
import {vm} from "./Vm.sol";
import {World} from "./World.sol";

/// @dev A holder that is a contract, and calls back while it is paid.
contract Reenterer {
    GOpen private immutable token;
    bytes private answer;

    constructor(GOpen token_) {
        token = token_;
    }

    function act(bytes calldata data, bytes calldata answer_) external {
        answer = answer_;
        (bool ok,) = address(token).call(data);
        delete answer;
        require(ok);
    }

    receive() external payable {
        bytes memory data = answer;
        if (data.length == 0) return;
        delete answer;
        (bool ok,) = address(token).call(data);
        ok;
    }
}

/// @dev Forces native tokens into an account.
contract Forcer {
    constructor(address payable to) payable {
        selfdestruct(to);
    }
}

contract GOpenHandler is Handler {
    struct Past {
        address account;
        uint256 time;
        uint256 votes;
    }

    Reenterer private immutable reenterer;

    /// @notice What each person should own: native tokens, plain, locked and unlocking gOPEN together.
    mapping(address person => uint256) public worth;
    mapping(address person => uint256) private availableAt;
    uint256 public forced;
    Past[] private pasts;

    constructor(World world_) Handler(world_, 4, 1_000) {
        reenterer = new Reenterer(token);
        people.push(address(reenterer));
        world_.enrich(address(reenterer), START);
        for (uint256 i; i < people.length; ++i) worth[people[i]] = START;
    }

    function deposit(uint256 who, uint256 amount) external {
        address person = _person(who);
        amount = _between(amount, 100 ether);
        vm.deal(person, person.balance + amount);
        worth[person] += amount;
        vm.prank(person);
        token.deposit{value: amount}();
    }

    function withdraw(uint256 who, uint256 amount) external {
        address person = _person(who);
        amount = _between(amount, token.balanceOf(person));
        vm.prank(person);
        token.withdraw(amount);
    }

    function transfer(uint256 who, uint256 toWhom, uint256 amount) external {
        (address from, address to) = (_person(who), _person(toWhom));
        amount = _between(amount, token.balanceOf(from));
        vm.prank(from);
        token.transfer(to, amount);
        worth[from] -= amount;
        worth[to] += amount;
    }

    function donate(uint256 who) external {
        address person = _person(who);
        uint256 before = donated;
        _donate(address(token), who);
        worth[person] -= donated - before;
    }

    function force(uint256 amount) external {
        amount = _between(amount, 10 ether);
        vm.deal(address(this), amount);
        new Forcer{value: amount}(payable(address(token)));
        forced += amount;
    }

    function lock(uint256 who, uint256 amount) external {
        address person = _person(who);
        amount = _between(amount, token.balanceOf(person));
        vm.prank(person);
        token.lock(amount);
    }

    function requestUnlock(uint256 who, uint256 amount) external {
        address person = _person(who);
        amount = _between(amount, token.lockedOf(person));
        vm.prank(person);
        token.requestUnlock(amount);
        availableAt[person] = block.timestamp + _delay();
    }

    function unlock(uint256 who, uint256 caller) external {
        address person = _person(who);
        vm.prank(_person(caller));
        token.unlock(person);
        _expect(block.timestamp >= availableAt[person], "gOPEN came back before a proposal could be executed");
    }

    function delegate(uint256 who, uint256 toWhom) external {
        vm.prank(_person(who));
        token.delegate(_person(toWhom));
    }

    /// @notice Acts, and acts again in the middle of being paid.
    function reenter(uint256 amount, uint256 again, uint256 how) external {
        uint256 balance = token.balanceOf(address(reenterer));
        again = _between(again, balance);
        bytes memory answer;
        if (how % 4 == 0) answer = abi.encodeCall(token.withdraw, (again));
        if (how % 4 == 1) answer = abi.encodeCall(token.lock, (again));
        if (how % 4 == 2) answer = abi.encodeCall(token.requestUnlock, (token.lockedOf(address(reenterer))));
        if (how % 4 == 3) answer = abi.encodeCall(token.unlock, (address(reenterer)));
        uint256 locked = token.lockedOf(address(reenterer));
        reenterer.act(abi.encodeCall(token.withdraw, (_between(amount, balance))), answer);
        if (token.lockedOf(address(reenterer)) < locked) availableAt[address(reenterer)] = block.timestamp + _delay();
    }

    /// @notice Takes another's gOPEN without an approval, unlocks or withdraws more than there is.
    function steal(uint256 who, uint256 victim, uint256 amount, uint256 how) external {
        (address thief, address owner) = (_person(who), _person(victim));
        vm.startPrank(thief);
        if (how % 3 == 0 && thief != owner) {
            amount = 1 + _between(amount, token.balanceOf(owner));
            try token.transferFrom(owner, thief, amount) {
                _expect(false, "gOPEN moved without its owner's approval");
            } catch {}
        } else if (how % 3 == 1) {
            amount = _between(amount, type(uint256).max - token.lockedOf(thief) - 1);
            try token.requestUnlock(token.lockedOf(thief) + 1 + amount) {
                _expect(false, "more was unlocked than is locked");
            } catch {}
        } else {
            amount = _between(amount, type(uint256).max - token.balanceOf(thief) - 1);
            try token.withdraw(token.balanceOf(thief) + 1 + amount) {
                _expect(false, "more was withdrawn than the balance");
            } catch {}
        }
        vm.stopPrank();
    }

    /// @notice Remembers what votes an account had a second ago, when no transaction can change them any more.
    function remember(uint256 who) external {
        address person = _person(who);
        uint256 time = block.timestamp - 1;
        pasts.push(Past(person, time, token.getPastVotes(person, time)));
    }

    function recall(uint256 which) external {
        Past memory past = pasts[which % pasts.length];
        _expect(token.getPastVotes(past.account, past.time) == past.votes, "votes of the past changed");
    }

    /// @dev Voting delay, voting period, late extension and timelock.
    function _delay() private view returns (uint256) {
        return world.DELAY() + world.PERIOD() + world.DELAY() + world.DELAY();
    }
}

contract GOpenTest is Suite {
    GOpenHandler private handler;

    function setUp() external {
        world = new World();
        handler = new GOpenHandler(world);
    }

    function invariant_GOpen() external view {
        _checkViolation();
        GOpen token = world.token();
        address[] memory people = handler.everybody();
        (uint256 balances, uint256 held) = (0, handler.donated());
        uint256[] memory powers = new uint256[](people.length);
        for (uint256 i; i < people.length; ++i) {
            uint256 locked = token.lockedOf(people[i]);
            (uint192 unlocking,) = token.unlockings(people[i]);
            uint256 balance = token.balanceOf(people[i]);
            balances += balance;
            held += locked + unlocking;
            require(
                people[i].balance + balance + locked + unlocking == handler.worth(people[i]),
                "somebody owns more or less than was given to it"
            );
            for (uint256 j; j < people.length; ++j) if (token.delegates(people[i]) == people[j]) powers[j] += locked;
        }
        for (uint256 i; i < people.length; ++i) {
            require(token.getVotes(people[i]) == powers[i], "votes are not what is locked and delegated");
        }
        require(token.balanceOf(address(token)) == held, "what is locked and unlocking is not held");
        require(token.totalSupply() == balances + held, "the supply is not the sum of all balances");
        require(address(token).balance == token.totalSupply() + handler.forced(), "gOPEN is not backed one to one");
    }

    function _handler() internal view override returns (Handler) {
        return handler;
    }
}
