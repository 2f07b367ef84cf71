// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {TimelockController as OpenZeppelinTimelock} from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @title OpenZeppelin's timelock, in which only the Governor proposes and executes, and the guardian's contract may cancel (amendment 10b)
contract TimelockController is OpenZeppelinTimelock {
    constructor(uint256 minDelay, address[] memory proposers, address[] memory executors, address guardian)
        OpenZeppelinTimelock(minDelay, proposers, executors, address(0))
    {
        _grantRole(CANCELLER_ROLE, guardian);
    }
}
