// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @dev A token that, once armed, calls into its target in the middle of the next transfer and keeps what came of it.
contract HookToken is ERC20("Hook", "HOOK") {
    address private _target;
    bytes private _data;
    uint256 public attempts;
    bool public succeeded;
    bytes public reason;

    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }

    function arm(address target, bytes calldata data) external {
        _target = target;
        _data = data;
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (_target == address(0)) return;
        address target = _target;
        _target = address(0);
        ++attempts;
        (succeeded, reason) = target.call(_data);
    }
}

interface IWrapped {
    function deposit() external payable;
    function withdraw(uint256 amount) external;
}

/// @dev Tries to withdraw again whenever it is paid.
contract Robber {
    IWrapped private immutable _token;
    uint256 public received;
    uint256 public refusals;

    constructor(IWrapped token) payable {
        _token = token;
        token.deposit{value: msg.value}();
    }

    function rob(uint256 amount) external {
        _token.withdraw(amount);
    }

    receive() external payable {
        received += msg.value;
        try _token.withdraw(msg.value) {} catch {
            ++refusals;
        }
    }
}

/// @dev An account that is a contract: its owner signs for it (ERC-1271) and acts through it.
contract Wallet {
    address private immutable _owner;

    constructor(address owner) {
        _owner = owner;
    }

    function act(address target, bytes calldata data) external {
        require(msg.sender == _owner);
        (bool ok,) = target.call(data);
        require(ok);
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        return ECDSA.recover(hash, signature) == _owner ? this.isValidSignature.selector : bytes4(0);
    }
}
