// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IModelRegistry, IRewardDistributor} from "./interfaces.sol";

/// @title Endpoints, their prices, consumers' prepaid credit, and usage settled by the consumers' vouchers (rule 7, amendment 7a)
/// @notice Invariant: the token balance is at least the sum of all credit.
contract InferenceMarket is EIP712, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    bytes32 public constant VOUCHER_TYPEHASH =
        keccak256("Voucher(address consumer,uint256 endpointId,uint256 cumulative,uint64 deadline)");

    /// A consumer's grant: `cumulative` wei is the total of fees at this endpoint.
    struct Voucher {
        address consumer;
        uint256 endpointId;
        uint256 cumulative;
        uint64 deadline;
    }

    /// The amount that a host redeems of a voucher's grant: the fees of the calls it has answered since the last redemption.
    struct Redemption {
        Voucher voucher;
        uint256 amount;
        bytes signature;
    }

    /// Prices: wei per 1,000 tokens.
    struct Endpoint {
        address host;
        uint96 versionId;
        uint128 priceIn;
        uint128 priceOut;
    }

    struct Withdrawal {
        uint192 amount;
        uint64 availableAt;
    }

    IERC20 public immutable token;
    IModelRegistry public immutable registry;
    IRewardDistributor public immutable distributor;
    /// @notice Seconds between a request and its withdrawal, in which hosts can redeem what they served.
    uint256 public immutable withdrawalDelay;

    uint256 public endpointCount;

    mapping(uint256 endpointId => Endpoint) public endpoints;
    mapping(address consumer => uint256) public credit;
    mapping(address consumer => Withdrawal) public withdrawals;
    /// @notice Wei redeemed so far of a consumer's grants at an endpoint.
    mapping(uint256 endpointId => mapping(address consumer => uint256)) public redeemed;
    mapping(uint256 epoch => mapping(uint256 endpointId => bool)) public usageSettled;

    event EndpointRegistered(
        uint256 indexed endpointId,
        uint256 indexed versionId,
        address indexed host,
        string url,
        uint256 priceIn,
        uint256 priceOut
    );
    event EndpointVersionChanged(uint256 indexed endpointId, uint256 indexed versionId);
    event PriceChanged(uint256 indexed endpointId, uint256 priceIn, uint256 priceOut);
    event CreditDeposited(address indexed consumer, uint256 amount);
    event CreditWithdrawn(address indexed consumer, uint256 amount);
    event WithdrawalRequested(address indexed consumer, uint256 amount, uint64 availableAt);
    /// `cumulative`: wei redeemed so far of the consumer's grants at this endpoint, including `amount`.
    event VoucherRedeemed(
        uint256 indexed endpointId, address indexed consumer, uint256 cumulative, uint256 amount
    );
    event UsageSettled(
        uint256 indexed epoch,
        uint256 indexed endpointId,
        bytes32 root,
        uint256 tokensIn,
        uint256 tokensOut,
        uint256 fees
    );

    /// @notice Only a promoted version that was not rolled back may serve.
    error VersionNotServing(uint256 versionId);
    /// @notice No endpoint has this id.
    error UnknownEndpoint(uint256 endpointId);
    /// @notice Only the endpoint's host may do this.
    error NotHost(uint256 endpointId, address host);
    /// @notice An endpoint needs a URL.
    error EmptyUrl();
    /// @notice The amount is zero.
    error ZeroAmount();
    /// @notice The consumer is the zero address.
    error ZeroConsumer();
    /// @notice The consumer's credit is less than the amount.
    error InsufficientCredit(address consumer, uint256 credit, uint256 amount);
    /// @notice Nothing was requested, or no credit is left.
    error NothingToWithdraw();
    /// @notice The withdrawal is available from that time on.
    error WithdrawalTooEarly(uint64 availableAt);
    /// @notice The usage of this endpoint is already settled for this epoch.
    error AlreadySettled(uint256 epoch, uint256 endpointId);
    /// @notice The root is zero.
    error EmptyHash();
    /// @notice The voucher is for another endpoint.
    error WrongEndpoint(uint256 voucherEndpointId, uint256 endpointId);
    /// @notice The voucher's deadline has passed.
    error VoucherExpired(address consumer, uint64 deadline);
    /// @notice The redemption would exceed the voucher's total grant.
    error BeyondGrant(address consumer, uint256 cumulative, uint256 total);
    /// @notice The signature is not the consumer's for this voucher, chain and contract.
    error BadSignature(address consumer);
    /// @notice The fees are not the sum of the redeemed amounts.
    error FeesMismatch(uint256 fees, uint256 redeemed);

    constructor(IERC20 token_, IModelRegistry registry_, IRewardDistributor distributor_, uint256 withdrawalDelay_)
        EIP712("InferenceMarket", "1")
    {
        token = token_;
        registry = registry_;
        distributor = distributor_;
        withdrawalDelay = withdrawalDelay_;
    }

    // ---------------------------------------------------------------- endpoints

    /// @notice Opens an endpoint for a serving version; the caller is its host.
    function registerEndpoint(uint256 versionId, string calldata url, uint256 priceIn, uint256 priceOut)
        external
        returns (uint256 endpointId)
    {
        _checkServing(versionId);
        if (bytes(url).length == 0) revert EmptyUrl();
        endpointId = ++endpointCount;
        endpoints[endpointId] = Endpoint(
            msg.sender, SafeCast.toUint96(versionId), SafeCast.toUint128(priceIn), SafeCast.toUint128(priceOut)
        );
        emit EndpointRegistered(endpointId, versionId, msg.sender, url, priceIn, priceOut);
    }

    function setVersion(uint256 endpointId, uint256 versionId) external {
        Endpoint storage endpoint = _hosted(endpointId);
        _checkServing(versionId);
        endpoint.versionId = SafeCast.toUint96(versionId);
        emit EndpointVersionChanged(endpointId, versionId);
    }

    function setPrice(uint256 endpointId, uint256 priceIn, uint256 priceOut) external {
        Endpoint storage endpoint = _hosted(endpointId);
        endpoint.priceIn = SafeCast.toUint128(priceIn);
        endpoint.priceOut = SafeCast.toUint128(priceOut);
        emit PriceChanged(endpointId, priceIn, priceOut);
    }

    // ---------------------------------------------------------------- credit

    /// @notice Adds the caller's tokens to a consumer's credit.
    function deposit(address consumer, uint256 amount) external nonReentrant {
        if (consumer == address(0)) revert ZeroConsumer();
        if (amount == 0) revert ZeroAmount();
        credit[consumer] += amount;
        emit CreditDeposited(consumer, amount);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @notice Requests a withdrawal; a new request replaces the last one. Hosts may still redeem until the withdrawal.
    function requestWithdrawal(uint256 amount) external {
        if (amount == 0) revert ZeroAmount();
        if (credit[msg.sender] < amount) revert InsufficientCredit(msg.sender, credit[msg.sender], amount);
        uint64 availableAt = SafeCast.toUint64(block.timestamp + withdrawalDelay);
        withdrawals[msg.sender] = Withdrawal(SafeCast.toUint192(amount), availableAt);
        emit WithdrawalRequested(msg.sender, amount, availableAt);
    }

    /// @notice Pays the requested amount, or what is left of the credit if hosts redeemed in the meantime.
    function withdraw() external nonReentrant {
        Withdrawal memory request = withdrawals[msg.sender];
        if (request.amount == 0) revert NothingToWithdraw();
        if (block.timestamp < request.availableAt) revert WithdrawalTooEarly(request.availableAt);
        uint256 held = credit[msg.sender];
        uint256 amount = held < request.amount ? held : request.amount;
        if (amount == 0) revert NothingToWithdraw();
        delete withdrawals[msg.sender];
        credit[msg.sender] = held - amount;
        emit CreditWithdrawn(msg.sender, amount);
        token.safeTransfer(msg.sender, amount);
    }

    // ---------------------------------------------------------------- usage

    /// @notice Redeems the used part of the vouchers and funds the epoch's rewards with the fees. Once per epoch and endpoint.
    /// `root` names the usage artifact: canonical JSON of the receipts with their attributions.
    function settleUsage(
        uint256 epoch,
        uint256 endpointId,
        bytes32 root,
        uint256 tokensIn,
        uint256 tokensOut,
        uint256 fees,
        Redemption[] calldata redemptions
    ) external nonReentrant {
        _hosted(endpointId);
        if (usageSettled[epoch][endpointId]) revert AlreadySettled(epoch, endpointId);
        if (root == 0) revert EmptyHash();
        usageSettled[epoch][endpointId] = true;
        uint256 redeemedNow;
        for (uint256 i; i < redemptions.length; ++i) {
            Redemption calldata r = redemptions[i];
            _redeem(endpointId, r.voucher, r.amount, r.signature);
            redeemedNow += r.amount;
        }
        if (redeemedNow != fees) revert FeesMismatch(fees, redeemedNow);
        emit UsageSettled(epoch, endpointId, root, tokensIn, tokensOut, fees);
        if (fees != 0) {
            token.forceApprove(address(distributor), fees);
            distributor.fund(epoch, fees);
        }
    }

    // solhint-disable-next-line func-name-mixedcase
    function DOMAIN_SEPARATOR() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    function _redeem(uint256 endpointId, Voucher calldata v, uint256 amount, bytes calldata signature) private {
        if (v.endpointId != endpointId) revert WrongEndpoint(v.endpointId, endpointId);
        if (v.deadline < block.timestamp) revert VoucherExpired(v.consumer, v.deadline);
        if (amount == 0) revert ZeroAmount();
        uint256 before = redeemed[endpointId][v.consumer];
        uint256 total = before + amount;
        if (total > v.cumulative) revert BeyondGrant(v.consumer, v.cumulative, total);
        bytes32 digest = _hashTypedDataV4(
            keccak256(abi.encode(VOUCHER_TYPEHASH, v.consumer, v.endpointId, v.cumulative, v.deadline))
        );
        if (!SignatureChecker.isValidSignatureNowCalldata(v.consumer, digest, signature)) {
            revert BadSignature(v.consumer);
        }
        uint256 held = credit[v.consumer];
        if (held < amount) revert InsufficientCredit(v.consumer, held, amount);
        credit[v.consumer] = held - amount;
        redeemed[endpointId][v.consumer] = total;
        emit VoucherRedeemed(endpointId, v.consumer, total, amount);
    }

    function _checkServing(uint256 versionId) private view {
        if (!registry.isServing(versionId)) revert VersionNotServing(versionId);
    }

    function _hosted(uint256 endpointId) private view returns (Endpoint storage endpoint) {
        endpoint = endpoints[endpointId];
        if (endpoint.host == address(0)) revert UnknownEndpoint(endpointId);
        if (endpoint.host != msg.sender) revert NotHost(endpointId, endpoint.host);
    }
}
