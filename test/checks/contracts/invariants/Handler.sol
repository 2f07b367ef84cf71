// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {GOpen} from "../src/GOpen.sol";
import {World} from "./World.sol";
import {vm} from "./Vm.sol";

/// @title What random callers may do. Its functions are called in any order, with any arguments
/// @notice A call that the contracts refuse reverts, and forge counts it. What must be refused and is not, is kept in `violation`, because a
/// revert would undo the call that shows it.
abstract contract Handler {
    uint256 internal constant START = 1_000 ether;

    World internal immutable world;
    GOpen internal immutable token;
    address[] internal people;

    /// @notice gOPEN that was sent to the contract under test without a call to it.
    uint256 public donated;
    /// @notice The first rule that was broken; empty when none was.
    string public violation;

    /// @param firstKey the private keys of the people begin here
    constructor(World world_, uint256 count, uint256 firstKey) {
        world = world_;
        token = world_.token();
        for (uint256 i; i < count; ++i) {
            address person = vm.addr(firstKey + i);
            people.push(person);
            world_.enrich(person, START);
        }
    }

    function everybody() external view returns (address[] memory) {
        return people;
    }

    /// @notice Lets time pass: mostly less than an hour, sometimes more than the longest hold.
    function pass(uint256 seed) external {
        vm.roll(block.number + _mix(seed, 2) % 40);
        vm.warp(block.timestamp + (_mix(seed, 0) % 16 == 0 ? 31 days : _mix(seed, 1) % 3_000));
    }

    function _person(uint256 seed) internal view returns (address) {
        return people[seed % people.length];
    }

    /// @dev A number from 0 to `max`, often one of the ends, or small.
    function _between(uint256 seed, uint256 max) internal pure returns (uint256) {
        uint256 luck = _mix(seed, 0);
        if (luck % 8 == 0) return max;
        if (luck % 8 == 1) return 0;
        if (luck % 8 == 2) return seed < max ? seed : max;
        return max == type(uint256).max ? luck : luck % (max + 1);
    }

    function _mix(uint256 seed, uint256 salt) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, salt)));
    }

    function _expect(bool holds, string memory rule) internal {
        if (!holds && bytes(violation).length == 0) violation = rule;
    }

    function _donate(address to, uint256 seed) internal {
        address person = _person(seed);
        uint256 amount = _between(_mix(seed, 1), token.balanceOf(person) / 100);
        vm.prank(person);
        token.transfer(to, amount);
        donated += amount;
    }
}
