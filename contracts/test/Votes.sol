// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Time} from "@openzeppelin/contracts/utils/types/Time.sol";

/// @dev The tokens and the timelock of the Governors that are not ours.

/// @dev Counts blocks; speaks Compound's names, too.
contract BlockVotes is ERC20Votes {
    constructor() ERC20("Block votes", "BV") EIP712("Block votes", "1") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function burn(uint256 amount) external {
        _burn(msg.sender, amount);
    }

    function getCurrentVotes(address account) external view returns (uint256) {
        return getVotes(account);
    }

    function getPriorVotes(address account, uint256 blockNumber) external view returns (uint256) {
        return getPastVotes(account, blockNumber);
    }

    /// @dev A transfer and a delegation in one transaction.
    function transferAndDelegate(address to, uint256 amount, address delegatee) external {
        _transfer(msg.sender, to, amount);
        _delegate(msg.sender, delegatee);
    }
}

/// @dev Counts seconds.
contract TimeVotes is BlockVotes {
    function clock() public view override returns (uint48) {
        return Time.timestamp();
    }

    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }
}

contract TimelockOf is TimelockController {
    constructor(uint256 delay, address[] memory who) TimelockController(delay, who, who, msg.sender) {}
}
