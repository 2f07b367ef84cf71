// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// A token in small: it speaks while it is made, and whenever it is told to.
contract Child {
    event Transfer(address indexed from, address indexed to, uint256 value);

    constructor() {
        emit Transfer(address(0), msg.sender, 1000);
    }

    function move(address to, uint256 value) external {
        emit Transfer(msg.sender, to, value);
    }
}

/// Makes children, which speak before and after they are announced, all in one block.
contract Factory {
    event Created(address indexed child, uint256 number);

    function make(uint256 count) external {
        for (uint256 i = 0; i < count; i++) {
            Child child = new Child();
            child.move(address(1), 1);
            emit Created(address(child), i);
            child.move(address(2), 2);
        }
    }
}
