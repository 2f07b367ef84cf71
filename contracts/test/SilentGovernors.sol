// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorSuperQuorum} from "@openzeppelin/contracts/governance/extensions/GovernorSuperQuorum.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {Bravo, BravoTimelock} from "./Bravo.sol";
import {Short} from "./Short.sol";
import {BlockVotes} from "./Votes.sol";

/// @dev Governors whose quorum anybody changes, for past snapshots too, with an event or without.

contract VariableQuorum is Short {
    uint256 private _quorum;

    event QuorumUpdated(uint256 oldQuorum, uint256 newQuorum);

    constructor(BlockVotes token_, uint256 quorum_) Governor("VariableQuorum") GovernorVotes(token_) {
        _quorum = quorum_;
    }

    function quorum(uint256) public view override returns (uint256) {
        return _quorum;
    }

    function setSilently(uint256 to) public {
        _quorum = to;
    }

    function announce(uint256 to) public {
        emit QuorumUpdated(_quorum, to);
        _quorum = to;
    }

    function castAndSetSilently(uint256 id, uint8 support, uint256 to) external {
        castVote(id, support);
        setSilently(to);
    }

    function castAndAnnounce(uint256 id, uint8 support, uint256 to) external {
        castVote(id, support);
        announce(to);
    }

    function announceAndCast(uint256 id, uint8 support, uint256 to) external {
        announce(to);
        castVote(id, support);
    }
}

contract VariableSuperQuorum is Short, GovernorSuperQuorum {
    uint256 private _superQuorum;

    constructor(BlockVotes token_, uint256 superQuorum_) Governor("VariableSuperQuorum") GovernorVotes(token_) {
        _superQuorum = superQuorum_;
    }

    function quorum(uint256) public pure override returns (uint256) {
        return 100;
    }

    function superQuorum(uint256) public view override returns (uint256) {
        return _superQuorum;
    }

    function setSilently(uint256 to) public {
        _superQuorum = to;
    }

    function proposalVotes(uint256 id) public view override(GovernorCountingSimple, GovernorSuperQuorum) returns (uint256, uint256, uint256) {
        return super.proposalVotes(id);
    }

    function state(uint256 id) public view override(Governor, GovernorSuperQuorum) returns (ProposalState) {
        return super.state(id);
    }
}

contract VariableBravo is Bravo {
    constructor(BlockVotes comp_, BravoTimelock timelock_) Bravo(comp_, timelock_) {}

    function setSilently(uint256 to) external {
        quorumVotes = to;
    }
}
