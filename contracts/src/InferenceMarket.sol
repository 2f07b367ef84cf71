// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Channel, Channels} from "./Channels.sol";
import {IModelRegistry, IRewardDistributor} from "./interfaces.sol";

/// @title Endpoints, their prices, consumers' prepaid credit, and the redemption of what consumers signed (rule 7, amendments 4a and 7a)
/// @notice A consumer deposits credit in a channel with one endpoint, and signs vouchers: cumulative ceilings of what its host may redeem.
/// Vouchers have the format of x402's `batch-settlement` scheme, so that its clients sign them. No call to an account decides about a
/// redemption: only the key that the channel names.
/// Invariant: the token balance is at least the sum of all channels' balances.
contract InferenceMarket is ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    uint256 private constant MAX_URL_LENGTH = 2_048;

    /// Prices: wei per 1,000 tokens.
    struct Endpoint {
        address host;
        uint96 versionId;
        uint128 priceIn;
        uint128 priceOut;
    }

    /// `balance`: credit left. `redeemed`: all that was redeemed from the channel so far. `withdrawing`: requested by the payer.
    struct ChannelState {
        uint128 balance;
        uint128 redeemed;
        uint128 withdrawing;
        uint64 withdrawableAt;
    }

    /// `total`: what is redeemed of the channel in all, with this redemption; at most `ceiling`, which the payer's key has signed.
    struct Redemption {
        uint256 endpointId;
        Channel channel;
        uint128 ceiling;
        uint128 total;
        bytes signature;
    }

    /// Why a redemption failed.
    enum Failure {
        None,
        UnknownEndpoint,
        NotHost,
        OtherChannel,
        BadSignature,
        BeyondCeiling,
        NothingNew,
        InsufficientCredit
    }

    IERC20 public immutable token;
    IModelRegistry public immutable registry;
    IRewardDistributor public immutable distributor;
    /// @notice Seconds between a request and its withdrawal, in which hosts can redeem what they served.
    uint256 public immutable withdrawalDelay;

    uint256 public endpointCount;

    mapping(uint256 endpointId => Endpoint) public endpoints;
    mapping(bytes32 channelId => ChannelState) public channels;

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
    /// `key` signs the vouchers; `salt` tells apart the channels of one consumer, endpoint and key.
    event CreditDeposited(
        bytes32 indexed channelId,
        uint256 indexed endpointId,
        address indexed consumer,
        address key,
        bytes32 salt,
        uint256 amount
    );
    event WithdrawalRequested(bytes32 indexed channelId, address indexed consumer, uint256 amount, uint64 availableAt);
    event CreditWithdrawn(bytes32 indexed channelId, address indexed consumer, uint256 amount);
    /// `versionId`: what the endpoint served at that moment. `epoch`: to which the fees belong. `total`: redeemed from the channel so far,
    /// including `amount`.
    event Redeemed(
        uint256 indexed endpointId,
        bytes32 indexed channelId,
        address indexed consumer,
        uint256 versionId,
        uint256 epoch,
        uint256 total,
        uint256 amount
    );
    /// Nothing moved. The other redemptions of the same call are not touched.
    event RedemptionFailed(
        uint256 indexed endpointId, bytes32 indexed channelId, address indexed consumer, Failure reason
    );

    /// @notice Only a promoted version that was not rolled back may serve.
    error VersionNotServing(uint256 versionId);
    /// @notice An endpoint serves versions of one model.
    error OtherModel(uint256 versionId, uint256 modelId);
    /// @notice No endpoint has this id.
    error UnknownEndpoint(uint256 endpointId);
    /// @notice Only the endpoint's host may do this.
    error NotHost(uint256 endpointId, address host);
    /// @notice The URL of an endpoint has 1 to 2,048 bytes: every index stores it again whenever its host changes the prices.
    error WrongUrlLength(uint256 length);
    /// @notice The amount is zero.
    error ZeroAmount();
    /// @notice The channel is not one with this endpoint in this market: another host, token, withdrawal delay or authorizer, or no key.
    error NotAChannelOf(uint256 endpointId);
    /// @notice Only the consumer of the channel may do this.
    error NotConsumer(address consumer);
    /// @notice The channel's credit is less than the amount.
    error InsufficientCredit(bytes32 channelId, uint256 balance, uint256 amount);
    /// @notice Nothing was requested, or no credit is left.
    error NothingToWithdraw();
    /// @notice The withdrawal is available from that time on.
    error WithdrawalTooEarly(uint64 availableAt);

    constructor(IERC20 token_, IModelRegistry registry_, IRewardDistributor distributor_, uint256 withdrawalDelay_) {
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
        if (bytes(url).length == 0 || bytes(url).length > MAX_URL_LENGTH) revert WrongUrlLength(bytes(url).length);
        endpointId = ++endpointCount;
        endpoints[endpointId] = Endpoint(
            msg.sender, SafeCast.toUint96(versionId), SafeCast.toUint128(priceIn), SafeCast.toUint128(priceOut)
        );
        emit EndpointRegistered(endpointId, versionId, msg.sender, url, priceIn, priceOut);
    }

    /// @notice Serves another version of the same model.
    function setVersion(uint256 endpointId, uint256 versionId) external {
        Endpoint storage endpoint = _hosted(endpointId);
        _checkServing(versionId);
        uint256 modelId = registry.modelOfVersion(endpoint.versionId);
        if (registry.modelOfVersion(versionId) != modelId) revert OtherModel(versionId, modelId);
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

    /// @notice What the channels of an endpoint have as `receiverAuthorizer`: it binds a voucher to this market and this endpoint. Nobody has
    /// its key.
    function authorizerOf(uint256 endpointId) public view returns (address) {
        return address(uint160(uint256(keccak256(abi.encode(address(this), endpointId)))));
    }

    function channelId(Channel calldata channel) external view returns (bytes32) {
        return Channels.idOf(channel);
    }

    /// @notice Adds the caller's tokens to the credit of a channel with an endpoint. The credit is the payer's, whoever deposits.
    function deposit(uint256 endpointId, Channel calldata channel, uint128 amount) external nonReentrant {
        if (endpoints[endpointId].host == address(0)) revert UnknownEndpoint(endpointId);
        if (amount == 0) revert ZeroAmount();
        if (
            channel.payer == address(0) || channel.payerAuthorizer == address(0) || channel.token != address(token)
                || channel.withdrawDelay != withdrawalDelay || channel.receiver != endpoints[endpointId].host
                || channel.receiverAuthorizer != authorizerOf(endpointId)
        ) revert NotAChannelOf(endpointId);
        bytes32 id = Channels.idOf(channel);
        channels[id].balance += amount;
        emit CreditDeposited(id, endpointId, channel.payer, channel.payerAuthorizer, channel.salt, amount);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @notice Requests a withdrawal; a new request replaces the last one. The host may still redeem until the withdrawal.
    function requestWithdrawal(Channel calldata channel, uint128 amount) external {
        ChannelState storage state = _ownChannel(channel);
        if (amount == 0) revert ZeroAmount();
        bytes32 id = Channels.idOf(channel);
        if (state.balance < amount) revert InsufficientCredit(id, state.balance, amount);
        uint64 availableAt = SafeCast.toUint64(block.timestamp + withdrawalDelay);
        state.withdrawing = amount;
        state.withdrawableAt = availableAt;
        emit WithdrawalRequested(id, msg.sender, amount, availableAt);
    }

    /// @notice Pays the requested amount to the payer, or what is left of the credit if the host redeemed in the meantime.
    function withdraw(Channel calldata channel) external nonReentrant {
        ChannelState storage state = _ownChannel(channel);
        if (state.withdrawing == 0) revert NothingToWithdraw();
        if (block.timestamp < state.withdrawableAt) revert WithdrawalTooEarly(state.withdrawableAt);
        uint128 amount = state.balance < state.withdrawing ? state.balance : state.withdrawing;
        if (amount == 0) revert NothingToWithdraw();
        state.withdrawing = 0;
        state.withdrawableAt = 0;
        state.balance -= amount;
        emit CreditWithdrawn(Channels.idOf(channel), msg.sender, amount);
        token.safeTransfer(msg.sender, amount);
    }

    // ---------------------------------------------------------------- redemption

    /// @notice Moves what consumers granted from their channels to the rewards of the running epoch. Each redemption succeeds or fails alone;
    /// one that is repeated moves nothing. A host redeems its own endpoints.
    function redeem(Redemption[] calldata redemptions) external nonReentrant {
        (uint256 epoch,) = distributor.runningEpoch();
        uint256 sum;
        for (uint256 i; i < redemptions.length; ++i) {
            sum += _redeem(redemptions[i], epoch);
        }
        if (sum == 0) return;
        token.forceApprove(address(distributor), sum);
        distributor.fund(sum);
    }

    function _redeem(Redemption calldata r, uint256 epoch) private returns (uint256 amount) {
        bytes32 id = Channels.idOf(r.channel);
        ChannelState storage state = channels[id];
        Failure failure = _failureOf(r, id, state);
        if (failure != Failure.None) {
            emit RedemptionFailed(r.endpointId, id, r.channel.payer, failure);
            return 0;
        }
        uint128 moved = r.total - state.redeemed;
        state.balance -= moved;
        state.redeemed = r.total;
        emit Redeemed(r.endpointId, id, r.channel.payer, endpoints[r.endpointId].versionId, epoch, r.total, moved);
        return moved;
    }

    function _failureOf(Redemption calldata r, bytes32 id, ChannelState storage state)
        private
        view
        returns (Failure)
    {
        address host = endpoints[r.endpointId].host;
        if (host == address(0)) return Failure.UnknownEndpoint;
        if (host != msg.sender) return Failure.NotHost;
        if (r.channel.receiverAuthorizer != authorizerOf(r.endpointId)) return Failure.OtherChannel;
        if (r.total <= state.redeemed) return Failure.NothingNew;
        if (r.total > r.ceiling) return Failure.BeyondCeiling;
        if (r.total - state.redeemed > state.balance) return Failure.InsufficientCredit;
        if (!Channels.isSigned(id, r.ceiling, r.channel.payerAuthorizer, r.signature)) return Failure.BadSignature;
        return Failure.None;
    }

    function _ownChannel(Channel calldata channel) private view returns (ChannelState storage) {
        if (channel.payer != msg.sender) revert NotConsumer(channel.payer);
        return channels[Channels.idOf(channel)];
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
