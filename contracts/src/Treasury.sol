// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// @title The treasury: gOPEN that only a Governor proposal can spend, through the timelock, a share in each period (amendment 8a)
/// @notice Funded by plain transfers of gOPEN: slashed stake, platform shares, donations.
/// Invariant: what is paid in a period is at most `maxShareBps` of what the treasury holds plus what it paid in that period.
contract Treasury is Ownable {
    using SafeERC20 for IERC20;

    uint256 private constant BPS = 10_000;

    IERC20 public immutable token;
    /// @notice The part of the treasury that all proposals together may move in one period, basis points.
    uint256 public immutable maxShareBps;
    /// @notice Seconds of a period; period n begins at n times this.
    uint256 public immutable period;

    mapping(uint256 index => uint256) public paidIn;

    event Paid(address indexed to, uint256 amount);

    /// @notice The treasury holds `held`, less than the `amount` asked for.
    error InsufficientTreasury(uint256 held, uint256 amount);
    /// @notice This period's share leaves only `available`; execute again after `periodEnd`.
    error ExceedsPeriodShare(uint256 amount, uint256 available, uint256 periodEnd);

    constructor(IERC20 token_, address timelock, uint256 maxShareBps_, uint256 period_) Ownable(timelock) {
        token = token_;
        maxShareBps = maxShareBps_;
        period = period_;
    }

    /// @notice Pays `amount` to `to`. The timelock only.
    function pay(address to, uint256 amount) external onlyOwner {
        uint256 held = token.balanceOf(address(this));
        if (held < amount) revert InsufficientTreasury(held, amount);
        uint256 index = block.timestamp / period;
        uint256 paid = paidIn[index];
        uint256 share = (held + paid) * maxShareBps / BPS;
        if (paid + amount > share) {
            revert ExceedsPeriodShare(amount, share > paid ? share - paid : 0, (index + 1) * period);
        }
        paidIn[index] = paid + amount;
        emit Paid(to, amount);
        token.safeTransfer(to, amount);
    }
}
