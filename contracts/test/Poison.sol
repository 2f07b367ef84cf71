// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {OldGovernor} from "./OldGovernor.sol";
import {BlockVotes} from "./Votes.sol";

/// @dev A token whose events nobody can add up, or read.
contract Poison {
    event Transfer(address indexed from, address indexed to, uint256 value);

    function balanceOf(address) external pure returns (uint256) {
        return 1;
    }

    function move(address to, uint256 value) external {
        emit Transfer(address(0), to, value);
    }

    function poison(address to) external {
        emit Transfer(address(0), to, 1);
        for (uint256 i = 0; i < 9; i++) emit Transfer(address(0), to, type(uint256).max);
    }

    function garble() external {
        bytes32 topic = Transfer.selector;
        assembly {
            log1(0, 0, topic)
        }
    }
}

contract PoisonMaker {
    event Created(address indexed token);

    function make() external {
        emit Created(address(new Poison()));
    }
}
