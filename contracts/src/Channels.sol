// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

/// A payment channel of one consumer (`payer`) with one endpoint of one host (`receiver`). `payerAuthorizer` is the plain key that signs its
/// vouchers: the payer's own, or any other. The fields and their order are those of x402's `ChannelConfig`.
struct Channel {
    address payer;
    address payerAuthorizer;
    address receiver;
    address receiverAuthorizer;
    address token;
    uint40 withdrawDelay;
    bytes32 salt;
}

/// @title The identifiers and the vouchers of payment channels, as x402's `batch-settlement` scheme defines them
/// @notice The EIP-712 domain is x402's, not this market's: what binds a voucher to a market is the channel's `receiverAuthorizer`.
library Channels {
    bytes32 internal constant CHANNEL_TYPEHASH = keccak256(
        "ChannelConfig(address payer,address payerAuthorizer,address receiver,address receiverAuthorizer,address token,uint40 withdrawDelay,bytes32 salt)"
    );
    bytes32 internal constant VOUCHER_TYPEHASH = keccak256("Voucher(bytes32 channelId,uint128 maxClaimableAmount)");
    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant NAME_HASH = keccak256("x402 Batch Settlement");
    bytes32 private constant VERSION_HASH = keccak256("1");
    address private constant VERIFYING_CONTRACT = 0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003;

    function idOf(Channel calldata channel) internal view returns (bytes32) {
        return _typedHash(
            keccak256(
                abi.encode(
                    CHANNEL_TYPEHASH,
                    channel.payer,
                    channel.payerAuthorizer,
                    channel.receiver,
                    channel.receiverAuthorizer,
                    channel.token,
                    channel.withdrawDelay,
                    channel.salt
                )
            )
        );
    }

    /// @notice Whether `key` signed that up to `ceiling` may be redeemed from the channel. 65 bytes with a low `s` only.
    function isSigned(bytes32 id, uint128 ceiling, address key, bytes calldata signature)
        internal
        view
        returns (bool)
    {
        bytes32 digest = _typedHash(keccak256(abi.encode(VOUCHER_TYPEHASH, id, ceiling)));
        (address signer, ECDSA.RecoverError failed,) = ECDSA.tryRecoverCalldata(digest, signature);
        return failed == ECDSA.RecoverError.NoError && signer == key;
    }

    function _typedHash(bytes32 structHash) private view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH, block.chainid, VERIFYING_CONTRACT)
        );
        return MessageHashUtils.toTypedDataHash(domain, structHash);
    }
}
