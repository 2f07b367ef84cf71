// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Disputes} from "../src/Disputes.sol";
import {Guardian} from "../src/Guardian.sol";
import {Subject} from "../src/interfaces.sol";
import {Handler} from "./Handler.sol";
import {vm} from "./Vm.sol";
import {World} from "./World.sol";

/// @title Challengers, a resolver, the timelock and the guardian, about the subjects of another handler
abstract contract DisputesHandler is Handler {
    struct Opened {
        address challenger;
        Subject kind;
        uint256 subjectId;
        uint256 bond;
        uint256 openedAt;
        uint256 ruledAt;
        bool upheld;
        uint256 slashAmount;
        bool closed;
        bytes32 identity;
    }

    /// What is known of a dispute before it is closed.
    struct Before {
        uint256 stake;
        uint256 challenger;
        uint256 treasury;
    }

    Disputes internal immutable disputes;
    address[] private challengers;

    Opened[] private opened;
    /// @notice What each challenger should own: gOPEN and the bonds of its open disputes.
    mapping(address challenger => uint256) public worthOfChallenger;
    mapping(Subject kind => mapping(uint256 subjectId => uint256)) internal openAbout;
    mapping(Subject kind => mapping(uint256 subjectId => uint256)) internal failedAt;
    /// @notice What the last dispute that failed was about.
    uint256 internal lastFailed;
    uint256 private pausedUntil;

    constructor(World world_) {
        disputes = world_.disputes();
        for (uint256 i; i < 3; ++i) {
            challengers.push(vm.addr(5_000 + i));
            world_.enrich(challengers[i], START);
            worthOfChallenger[challengers[i]] = START;
        }
    }

    /// @dev What a random dispute is about.
    function _subject(uint256 seed) internal view virtual returns (Subject kind, uint256 subjectId);

    /// @dev The stake that a dispute about the subject may take.
    function _stakeOf(Subject kind, uint256 subjectId) internal view virtual returns (uint256);

    /// @dev What a disputed reward map is known by; 0 when there is none, and for other subjects.
    function _identityOf(Subject kind, uint256 subjectId) internal view virtual returns (bytes32) {}

    /// @dev Called when a dispute took stake.
    function _slashed(Subject kind, uint256 subjectId, uint256 amount) internal virtual;

    /// @dev Called when a dispute was upheld. @return what the treasury got besides
    function _upheld(Subject kind, uint256 subjectId) internal virtual returns (uint256) {}

    function openDispute(uint256 seed, uint256 who) external {
        (Subject kind, uint256 subjectId) = _subject(seed);
        address challenger = challengers[who % challengers.length];
        uint256 before = token.balanceOf(challenger);
        uint256 earlier = openAbout[kind][subjectId];
        vm.prank(challenger);
        disputes.open(kind, subjectId, keccak256("evidence"));
        if (earlier != 0 && _isMoot(opened[earlier - 1])) {
            Opened storage ended = opened[earlier - 1];
            if (ended.challenger == challenger) before += ended.bond;
            (ended.closed, openAbout[kind][subjectId]) = (true, 0);
            (failedAt[kind][subjectId], lastFailed) = (block.timestamp, subjectId);
        }
        uint256 bond = before - token.balanceOf(challenger);
        _expect(openAbout[kind][subjectId] == 0, "two open disputes about one subject");
        _expect(bond >= 2 ether && bond >= _stakeOf(kind, subjectId) / 10, "a dispute without a sufficient bond");
        opened.push(
            Opened(challenger, kind, subjectId, bond, block.timestamp, 0, false, 0, false, _identityOf(kind, subjectId))
        );
        openAbout[kind][subjectId] = opened.length;
    }

    function rule(uint256 which, bool upheld, uint256 slashAmount) external {
        (uint256 id, Opened storage d) = _dispute(which);
        slashAmount = upheld && d.kind != Subject.RewardMap ? _between(slashAmount, 2 * _stakeOf(d.kind, d.subjectId)) : 0;
        address resolver = world.resolver();
        if (d.kind == Subject.Judgement) {
            vm.prank(resolver);
            try disputes.rule(id, upheld, slashAmount) {
                _expect(false, "a resolver ruled on a judgement");
            } catch {}
            return;
        }
        vm.prank(resolver);
        disputes.rule(id, upheld, slashAmount);
        _expect(!d.closed && d.ruledAt == 0, "a dispute was ruled on twice, or after its end");
        (d.ruledAt, d.upheld, d.slashAmount) = (block.timestamp, upheld, slashAmount);
    }

    function enforce(uint256 which) external {
        (uint256 id, Opened storage d) = _dispute(which);
        Before memory before = _before(d);
        disputes.enforce(id);
        _expect(block.timestamp >= pausedUntil, "a verdict was carried out during a pause");
        if (_isMoot(d)) {
            _closed(d, before, disputes.LAPSED(), 0);
        } else if (d.ruledAt != 0) {
            _expect(block.timestamp >= d.ruledAt + 600, "a verdict took effect before its appeal time was over");
            _closed(d, before, d.upheld ? disputes.UPHELD() : disputes.REJECTED(), d.slashAmount);
        } else {
            _expect(d.kind != Subject.RewardMap, "a dispute about a map lapsed");
            _expect(block.timestamp >= d.openedAt + 2_000, "a dispute lapsed before its term");
            _closed(d, before, disputes.LAPSED(), 0);
        }
    }

    function resolve(uint256 which, bool upheld, uint256 slashAmount) external {
        (uint256 id, Opened storage d) = _dispute(which);
        Before memory before = _before(d);
        slashAmount = upheld && d.kind != Subject.RewardMap ? _between(slashAmount, 2 * before.stake) : 0;
        vm.prank(address(world.timelock()));
        disputes.resolve(id, upheld, slashAmount);
        uint8 outcome = upheld ? disputes.UPHELD() : disputes.REJECTED();
        _closed(d, before, _isMoot(d) ? disputes.LAPSED() : outcome, slashAmount);
    }

    function pause() external {
        Guardian guardian = world.guardian();
        vm.prank(world.pauser());
        guardian.pause();
        pausedUntil = block.timestamp + 500;
    }

    /// @notice Decides without the right to.
    function decideAsStranger(uint256 which, uint256 who, uint256 slashAmount) external {
        (uint256 id, Opened storage d) = _dispute(which);
        vm.startPrank(who % 2 == 0 ? d.challenger : _person(who));
        try disputes.rule(id, true, slashAmount) {
            _expect(false, "a stranger ruled on a dispute");
        } catch {}
        try disputes.resolve(id, true, slashAmount) {
            _expect(false, "a stranger resolved a dispute");
        } catch {}
        vm.stopPrank();
    }

    /// @notice Throws when the contract of disputes does not hold what it owes.
    function checkDisputes() external view {
        uint256 bonds;
        uint256[] memory own = new uint256[](challengers.length);
        for (uint256 i; i < opened.length; ++i) {
            if (opened[i].closed) continue;
            bonds += opened[i].bond;
            for (uint256 j; j < own.length; ++j) if (challengers[j] == opened[i].challenger) own[j] += opened[i].bond;
        }
        require(token.balanceOf(address(disputes)) == bonds, "the bonds of open disputes are not held");
        for (uint256 j; j < own.length; ++j) {
            require(
                token.balanceOf(challengers[j]) + own[j] == worthOfChallenger[challengers[j]],
                "a challenger owns more or less than its disputes brought"
            );
        }
    }

    /// @dev Whether the subject is disputed, or a dispute about it failed less than `reopenTime` ago.
    function _isHeld(Subject kind, uint256 subjectId) internal view returns (bool) {
        uint256 failed = failedAt[kind][subjectId];
        return openAbout[kind][subjectId] != 0 || (failed != 0 && block.timestamp < failed + 200);
    }

    /// @dev One of the newest disputes, mostly an open one.
    function _dispute(uint256 which) private view returns (uint256 id, Opened storage d) {
        uint256 newest = opened.length < 6 ? opened.length : 6;
        id = opened.length - which % newest;
        for (uint256 tries; tries < 4 && opened[id - 1].closed; ++tries) {
            id = opened.length - (which % newest + tries) % newest;
        }
        d = opened[id - 1];
    }

    /// @dev Whether the disputed map was cancelled with an earlier one.
    function _isMoot(Opened storage d) private view returns (bool) {
        return d.kind == Subject.RewardMap && _identityOf(d.kind, d.subjectId) != d.identity;
    }

    function _before(Opened storage d) private view returns (Before memory) {
        return Before(
            _stakeOf(d.kind, d.subjectId), token.balanceOf(d.challenger), token.balanceOf(address(world.treasury()))
        );
    }

    function _closed(Opened storage d, Before memory before, uint8 outcome, uint256 slashAmount) private {
        _expect(!d.closed, "a dispute was closed twice");
        d.closed = true;
        openAbout[d.kind][d.subjectId] = 0;
        uint256 slashed = before.stake - _stakeOf(d.kind, d.subjectId);
        if (outcome != disputes.UPHELD()) (failedAt[d.kind][d.subjectId], lastFailed) = (block.timestamp, d.subjectId);
        _expect(slashed <= slashAmount, "more was slashed than was decided");
        if (slashed != 0) _slashed(d.kind, d.subjectId, slashed);
        uint256 bounty = slashed / 2 < d.bond ? slashed / 2 : d.bond;
        uint256 lost = outcome == disputes.REJECTED() ? d.bond : 0;
        uint256 besides = outcome == disputes.UPHELD() ? _upheld(d.kind, d.subjectId) : 0;
        worthOfChallenger[d.challenger] = worthOfChallenger[d.challenger] + bounty - lost;
        _expect(
            token.balanceOf(address(world.treasury())) == before.treasury + slashed - bounty + lost + besides,
            "the treasury did not get the rest of a dispute"
        );
    }
}
