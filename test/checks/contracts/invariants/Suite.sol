// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Handler} from "./Handler.sol";
import {World} from "./World.sol";

/// @title The form of a test with one handler
abstract contract Suite {
    World internal world;

    /// @dev forge calls the functions of these contracts, and no others.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler());
    }

    /// @dev forge pays its senders, which would make the people's native tokens more than the handler knows.
    function excludeSenders() external view returns (address[] memory) {
        return _handler().everybody();
    }

    function _handler() internal view virtual returns (Handler);

    function _checkViolation() internal view {
        string memory violation = _handler().violation();
        require(bytes(violation).length == 0, violation);
    }
}
