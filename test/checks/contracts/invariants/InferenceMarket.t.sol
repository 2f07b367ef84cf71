// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Channel} from "../src/Channels.sol";
import {InferenceMarket} from "../src/InferenceMarket.sol";
import {Handler} from "./Handler.sol";
import {Suite} from "./Suite.sol";
import {vm} from "./Vm.sol";
import {World} from "./World.sol";

contract InferenceMarketHandler is Handler {
    /// A channel as its consumer sees it. `signed`: the highest ceiling for which the consumer's key gave a signature.
    struct Opened {
        Channel channel;
        uint256 endpointId;
        uint256 key;
        uint256 balance;
        uint256 redeemed;
        uint256 withdrawing;
        uint256 withdrawableAt;
        uint256 signed;
    }

    uint256 private constant FIRST_KEY = 6_000;
    uint256 private constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    InferenceMarket private immutable market;
    uint256[] private versions;

    /// @notice What each of the people should own: gOPEN and credit together.
    mapping(address person => uint256) public worth;
    /// @notice All that was redeemed.
    uint256 public redeemed;
    Opened[] private opened;

    constructor(World world_, uint256[] memory versions_) Handler(world_, 5, FIRST_KEY) {
        market = world_.market();
        versions = versions_;
        for (uint256 i; i < people.length; ++i) worth[people[i]] = START;
        for (uint256 i; i < 2; ++i) {
            vm.prank(people[i]);
            market.registerEndpoint(versions[0], "https://host.example", 1, 2);
        }
    }

    // ---------------------------------------------------------------- hosts

    function registerEndpoint(uint256 who, uint256 price) external {
        if (market.endpointCount() > 4) return;
        vm.prank(_person(who));
        market.registerEndpoint(versions[who % versions.length], "https://host.example", price % 1 ether, 0);
    }

    function setVersion(uint256 which, uint256 version, uint256 who) external {
        uint256 id = 1 + which % market.endpointCount();
        (address host,,,) = market.endpoints(id);
        address caller = who % 4 == 0 ? _person(who) : host;
        vm.prank(caller);
        market.setVersion(id, versions[version % versions.length]);
        _expect(caller == host, "a stranger changed an endpoint");
    }

    // ---------------------------------------------------------------- consumers

    /// @notice Adds credit to a channel, an old one or a new one; anybody may pay for anybody.
    function deposit(uint256 who, uint256 forWhom, uint256 which, uint256 amount) external {
        if (opened.length == 0 || (which % 2 == 0 && opened.length < 12)) _open(forWhom, which);
        Opened storage o = opened[(which / 2) % opened.length];
        address payer = _person(who);
        amount = _between(amount, token.balanceOf(payer) / 4);
        vm.prank(payer);
        market.deposit(o.endpointId, o.channel, uint128(amount));
        o.balance += amount;
        worth[payer] -= amount;
        worth[o.channel.payer] += amount;
    }

    /// @notice Deposits in a channel that is none of this market and endpoint.
    function depositWrongly(uint256 who, uint256 which, uint256 how) external {
        Opened storage o = _channel(which);
        Channel memory channel = o.channel;
        uint256 endpointId = o.endpointId;
        how %= 6;
        if (how == 0) channel.receiver = vm.addr(8_888);
        if (how == 1) channel.receiverAuthorizer = market.authorizerOf(endpointId % market.endpointCount() + 1);
        if (how == 2) channel.token = address(market);
        if (how == 3) channel.withdrawDelay += 1;
        if (how == 4) channel.payerAuthorizer = address(0);
        if (how == 5) endpointId = market.endpointCount() + 1;
        vm.prank(_person(who));
        try market.deposit(endpointId, channel, 1) {
            _expect(false, "credit in a channel that nobody can redeem from");
        } catch {}
    }

    function requestWithdrawal(uint256 which, uint256 amount, uint256 who) external {
        Opened storage o = _channel(which);
        amount = _between(amount, o.balance);
        address caller = who % 4 == 0 ? _person(who) : o.channel.payer;
        vm.prank(caller);
        market.requestWithdrawal(o.channel, uint128(amount));
        _expect(caller == o.channel.payer, "a stranger asked for a withdrawal");
        (o.withdrawing, o.withdrawableAt) = (amount, block.timestamp + world.WITHDRAWAL_DELAY());
    }

    function withdraw(uint256 which, uint256 who) external {
        Opened storage o = _channel(which);
        for (uint256 tries; tries < 4 && o.withdrawing == 0; ++tries) o = _channel(which % 12 + tries);
        address caller = who % 4 == 0 ? _person(who) : o.channel.payer;
        uint256 before = token.balanceOf(caller);
        vm.prank(caller);
        market.withdraw(o.channel);
        uint256 amount = token.balanceOf(caller) - before;
        _expect(caller == o.channel.payer, "a stranger withdrew credit");
        _expect(block.timestamp >= o.withdrawableAt, "credit left before hosts could redeem");
        _expect(
            amount == (o.balance < o.withdrawing ? o.balance : o.withdrawing), "another amount left than was asked for"
        );
        o.balance -= amount;
        (o.withdrawing, o.withdrawableAt) = (0, 0);
    }

    function donate(uint256 who) external {
        address person = _person(who);
        uint256 before = donated;
        _donate(address(market), who);
        worth[person] -= donated - before;
    }

    // ---------------------------------------------------------------- redemption

    /// @notice Redeems a batch of one host, in which some redemptions are wrong. Each must do what the model says, whatever the others do.
    function redeem(uint256 which, uint256 count, uint256 seed) external {
        InferenceMarket.Redemption[] memory batch = new InferenceMarket.Redemption[](1 + count % 3);
        address host = _channel(which).channel.receiver;
        uint256 sum;
        for (uint256 i; i < batch.length; ++i) {
            bool right;
            (batch[i], right) = _redemption(_channel(which % 12 + i), _mix(seed, i));
            if (right && batch[i].channel.receiver == host) sum += _redeemInModel(_channel(which % 12 + i), batch[i]);
        }
        uint256 before = world.distributor().totalFunded();
        vm.prank(host);
        try market.redeem(batch) {}
        catch {
            _expect(false, "a redemption stopped the others");
        }
        redeemed += sum;
        _expect(world.distributor().totalFunded() == before + sum, "another sum was redeemed than was signed and held");
    }

    /// @notice Throws when the channels are not as their consumers see them.
    function checkChannels() external view returns (uint256 balances, uint256[] memory credit) {
        credit = new uint256[](people.length);
        for (uint256 i; i < opened.length; ++i) {
            Opened storage o = opened[i];
            (uint128 balance, uint128 taken, uint128 withdrawing,) = market.channels(market.channelId(o.channel));
            require(balance == o.balance && taken == o.redeemed, "a channel changed by something else than its vouchers");
            require(withdrawing == o.withdrawing, "a withdrawal changed");
            require(taken <= o.signed, "more was redeemed than was ever signed");
            balances += balance;
            for (uint256 j; j < people.length; ++j) if (people[j] == o.channel.payer) credit[j] += balance;
        }
    }

    // ---------------------------------------------------------------- helpers

    function _channel(uint256 which) private view returns (Opened storage) {
        return opened[which % opened.length];
    }

    function _open(uint256 forWhom, uint256 seed) private {
        Opened storage o = opened.push();
        o.endpointId = 1 + seed % market.endpointCount();
        (address host,,,) = market.endpoints(o.endpointId);
        // The consumer's own key, or another.
        o.key = seed % 3 == 0 ? 7_000 + seed % 2 : FIRST_KEY + forWhom % people.length;
        o.channel = Channel(
            _person(forWhom),
            vm.addr(o.key),
            host,
            market.authorizerOf(o.endpointId),
            address(token),
            uint40(world.WITHDRAWAL_DELAY()),
            bytes32(opened.length)
        );
    }

    /// @dev A redemption, and whether the consumer has signed it so.
    function _redemption(Opened storage o, uint256 seed)
        private
        returns (InferenceMarket.Redemption memory r, bool right)
    {
        uint256 how = seed % 16;
        r.endpointId = o.endpointId;
        r.channel = o.channel;
        r.ceiling = uint128(_between(_mix(seed, 1), o.redeemed + o.balance + 1 ether));
        r.total = uint128(_between(_mix(seed, 2), r.ceiling));
        bytes32 id = market.channelId(o.channel);
        uint256 key = how == 1 ? FIRST_KEY + 99 : o.key;
        uint128 ceiling = how == 2 && r.ceiling > 0 ? r.ceiling - 1 : r.ceiling;
        if (how == 3 && opened.length > 1) id = market.channelId(opened[0].channel);
        (uint8 v, bytes32 rs, bytes32 s) = vm.sign(key, _digest(id, ceiling));
        if (how == 4) (v, s) = (v == 27 ? 28 : 27, bytes32(ORDER - uint256(s)));
        r.signature = abi.encodePacked(rs, s, how == 5 ? v - 27 : v);
        if (how == 6) r.signature = abi.encodePacked(rs, s);
        if (how == 7) r.total = r.ceiling + 1;
        if (how == 8) r.endpointId = o.endpointId % market.endpointCount() + 1;
        if (how == 9) r.channel.salt = bytes32(seed);
        right = how == 0 || how > 9;
        if (how == 3) right = market.channelId(o.channel) == id;
        if (how == 2) right = false;
        if (right && ceiling > o.signed) o.signed = ceiling;
    }

    /// @dev What a signed redemption moves: all or nothing.
    function _redeemInModel(Opened storage o, InferenceMarket.Redemption memory r) private returns (uint256 amount) {
        if (r.total <= o.redeemed || r.total > r.ceiling) return 0;
        amount = r.total - o.redeemed;
        if (amount > o.balance) return 0;
        o.redeemed = r.total;
        o.balance -= amount;
        worth[o.channel.payer] -= amount;
    }

    /// @dev x402's EIP-712 digest of a voucher, written here once more.
    function _digest(bytes32 id, uint128 ceiling) private view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("x402 Batch Settlement"),
                keccak256("1"),
                block.chainid,
                0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003
            )
        );
        bytes32 voucher =
            keccak256(abi.encode(keccak256("Voucher(bytes32 channelId,uint128 maxClaimableAmount)"), id, ceiling));
        return keccak256(abi.encodePacked(hex"1901", domain, voucher));
    }
}

contract InferenceMarketTest is Suite {
    InferenceMarketHandler private handler;

    function setUp() external {
        world = new World();
        uint256 modelId = world.issueMandate(10_000 days);
        uint256[] memory versions = new uint256[](2);
        versions[0] = world.promoteVersion(modelId);
        versions[1] = world.promoteVersion(modelId);
        handler = new InferenceMarketHandler(world, versions);
    }

    function invariant_InferenceMarket() external view {
        _checkViolation();
        address market = address(world.market());
        (uint256 balances, uint256[] memory credit) = handler.checkChannels();
        address[] memory people = handler.everybody();
        for (uint256 i; i < people.length; ++i) {
            require(
                world.token().balanceOf(people[i]) + credit[i] == handler.worth(people[i]),
                "somebody owns more or less than it paid and signed for"
            );
        }
        require(world.token().balanceOf(market) == balances + handler.donated(), "credit is not held");
        require(world.distributor().totalFunded() == handler.redeemed(), "what was redeemed is not the rewards'");
    }

    function _handler() internal view override returns (Handler) {
        return handler;
    }
}
