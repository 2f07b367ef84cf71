// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// @title The treasury: gOPEN that only a Governor proposal can spend, through the timelock
/// @notice Funded by plain transfers of gOPEN: slashed stake, platform shares, donations.
contract Treasury is Ownable {
    using SafeERC20 for IERC20;

    IERC20 public immutable token;

    event Paid(address indexed to, uint256 amount);

    /// @notice The treasury holds `held`, less than the `amount` asked for.
    error InsufficientTreasury(uint256 held, uint256 amount);

    constructor(IERC20 token_, address timelock) Ownable(timelock) {
        token = token_;
    }

    /// @notice Pays `amount` to `to`. The timelock only.
    function pay(address to, uint256 amount) external onlyOwner {
        uint256 held = token.balanceOf(address(this));
        if (held < amount) revert InsufficientTreasury(held, amount);
        emit Paid(to, amount);
        token.safeTransfer(to, amount);
    }
}
