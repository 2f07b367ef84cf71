// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorSuperQuorum} from "@openzeppelin/contracts/governance/extensions/GovernorSuperQuorum.sol";
import {GovernorTimelockControl} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockControl.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {GovernorVotesQuorumFraction} from "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";
import {GovernorVotesSuperQuorumFraction} from "@openzeppelin/contracts/governance/extensions/GovernorVotesSuperQuorumFraction.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {Bravo, BravoTimelock} from "./Bravo.sol";
import {OldGovernor} from "./OldGovernor.sol";
import {Short} from "./Short.sol";
import {BlockVotes, TimelockOf} from "./Votes.sol";

/// @dev Governors that differ: quorums that anybody changes, ballots in parts.

/// @dev A quorum in votes that is set, as in Compound's present Governor; `plain` keeps no checkpoints.
contract SetQuorum is Short {
    using Checkpoints for Checkpoints.Trace208;

    Checkpoints.Trace208 private _quorums;
    bool private immutable _plain;

    event QuorumUpdated(uint256 oldQuorum, uint256 newQuorum);

    constructor(BlockVotes token_, uint256 quorum_, bool plain) Governor("SetQuorum") GovernorVotes(token_) {
        _plain = plain;
        setQuorum(quorum_);
    }

    function quorum(uint256 timepoint) public view override returns (uint256) {
        return _plain ? _quorums.latest() : _quorums.upperLookupRecent(uint48(timepoint));
    }

    function setQuorum(uint256 to) public {
        emit QuorumUpdated(_quorums.latest(), to);
        _quorums.push(clock(), uint208(to));
    }
}

/// @dev A quorum as of the snapshot that nothing announces.
contract SilentQuorum is Short {
    using Checkpoints for Checkpoints.Trace208;

    Checkpoints.Trace208 private _quorums;

    constructor(BlockVotes token_, uint256 quorum_) Governor("SilentQuorum") GovernorVotes(token_) {
        setQuorum(quorum_);
    }

    function quorum(uint256 timepoint) public view override returns (uint256) {
        return _quorums.upperLookupRecent(uint48(timepoint));
    }

    function setQuorum(uint256 to) public {
        _quorums.push(clock(), uint208(to));
    }
}

/// @dev Its quorum is a part of its code, which changes behind its proxy.
contract UpgradedQuorum is Short {
    uint256 private _quorum;

    event Upgraded(address indexed implementation);

    constructor(BlockVotes token_, uint256 quorum_) Governor("UpgradedQuorum") GovernorVotes(token_) {
        setQuorum(quorum_);
    }

    function quorum(uint256) public view override returns (uint256) {
        return _quorum;
    }

    function setQuorum(uint256 to) public {
        _quorum = to;
        emit Upgraded(address(this));
    }
}

/// @dev Compound's Bravo, whose quorum is a part of its code, which changes behind its proxy.
contract UpgradedBravo is Bravo {
    event NewImplementation(address oldImplementation, address newImplementation);

    constructor(BlockVotes comp_, BravoTimelock timelock_) Bravo(comp_, timelock_) {}

    function upgrade(uint256 quorum) external {
        quorumVotes = quorum;
        emit NewImplementation(address(this), address(timelock));
    }
}

/// @dev Declares a fraction of the supply, and asks for twice as much.
contract OtherFraction is Short, GovernorVotesQuorumFraction {
    constructor(BlockVotes token_) Governor("OtherFraction") GovernorVotes(token_) GovernorVotesQuorumFraction(10) {}

    function quorum(uint256 timepoint) public view override(Governor, GovernorVotesQuorumFraction) returns (uint256) {
        return 2 * super.quorum(timepoint);
    }
}

/// @dev As Arbitrum's: a fraction of the votes without those of an account.
contract Excluding is Short, GovernorVotesQuorumFraction {
    address private immutable _excluded;

    constructor(BlockVotes token_, address excluded) Governor("Excluding") GovernorVotes(token_) GovernorVotesQuorumFraction(20) {
        _excluded = excluded;
    }

    function quorum(uint256 timepoint) public view override(Governor, GovernorVotesQuorumFraction) returns (uint256) {
        uint256 counted = token().getPastTotalSupply(timepoint) - token().getPastVotes(_excluded, timepoint);
        return counted * quorumNumerator(timepoint) / quorumDenominator();
    }
}

/// @dev As Optimism's: its quorum takes a proposal's id.
contract ByProposal is Short, GovernorVotesQuorumFraction {
    constructor(BlockVotes token_) Governor("ByProposal") GovernorVotes(token_) GovernorVotesQuorumFraction(20) {}

    function quorum(uint256 proposalId) public view override(Governor, GovernorVotesQuorumFraction) returns (uint256) {
        uint256 snapshot = proposalSnapshot(proposalId);
        return snapshot == 0 ? 0 : super.quorum(snapshot) / 2;
    }

    function setNumerator(uint256 to) external {
        _updateQuorumNumerator(to);
    }

    function _quorumReached(uint256 proposalId) internal view override(Governor, GovernorCountingSimple) returns (bool) {
        (, uint256 inFavour, uint256 abstain) = proposalVotes(proposalId);
        return quorum(proposalId) <= inFavour + abstain;
    }
}

/// @dev Succeeds early with enough votes in favour.
contract SuperQuorum is Short, GovernorVotesSuperQuorumFraction, GovernorTimelockControl {
    constructor(BlockVotes token_, TimelockController timelock_)
        Governor("SuperQuorum")
        GovernorVotes(token_)
        GovernorVotesQuorumFraction(10)
        GovernorVotesSuperQuorumFraction(40)
        GovernorTimelockControl(timelock_)
    {}

    function proposalVotes(uint256 id) public view override(GovernorCountingSimple, GovernorSuperQuorum) returns (uint256, uint256, uint256) {
        return super.proposalVotes(id);
    }

    function state(uint256 id) public view override(Governor, GovernorTimelockControl, GovernorVotesSuperQuorumFraction) returns (ProposalState) {
        return super.state(id);
    }

    function proposalNeedsQueuing(uint256 id) public view override(Governor, GovernorTimelockControl) returns (bool) {
        return super.proposalNeedsQueuing(id);
    }

    function _queueOperations(uint256 id, address[] memory targets, uint256[] memory values, bytes[] memory calldatas, bytes32 hash)
        internal
        override(Governor, GovernorTimelockControl)
        returns (uint48)
    {
        return super._queueOperations(id, targets, values, calldatas, hash);
    }

    function _executeOperations(uint256 id, address[] memory targets, uint256[] memory values, bytes[] memory calldatas, bytes32 hash)
        internal
        override(Governor, GovernorTimelockControl)
    {
        super._executeOperations(id, targets, values, calldatas, hash);
    }

    function _cancel(address[] memory targets, uint256[] memory values, bytes[] memory calldatas, bytes32 hash)
        internal
        override(Governor, GovernorTimelockControl)
        returns (uint256)
    {
        return super._cancel(targets, values, calldatas, hash);
    }

    function _executor() internal view override(Governor, GovernorTimelockControl) returns (address) {
        return super._executor();
    }
}

/// @dev Splits a ballot by its params, whatever its support (flexible voting).
contract FlexibleVotes is Governor, GovernorVotes {
    struct Tally {
        uint256 against;
        uint256 inFavour;
        uint256 abstain;
    }

    mapping(uint256 => Tally) public proposalVotes;
    mapping(uint256 => mapping(address => bool)) public override hasVoted;

    constructor(BlockVotes token_) Governor("FlexibleVotes") GovernorVotes(token_) {}

    function COUNTING_MODE() public pure override returns (string memory) {
        return "support=bravo&quorum=for,abstain&params=fractional";
    }

    function votingDelay() public pure override returns (uint256) {
        return 2;
    }

    function votingPeriod() public pure override returns (uint256) {
        return 8;
    }

    function quorum(uint256) public pure override returns (uint256) {
        return 100;
    }

    function _quorumReached(uint256 id) internal view override returns (bool) {
        return proposalVotes[id].inFavour + proposalVotes[id].abstain >= quorum(0);
    }

    function _voteSucceeded(uint256 id) internal view override returns (bool) {
        return proposalVotes[id].inFavour > proposalVotes[id].against;
    }

    function _countVote(uint256 id, address account, uint8 support, uint256 weight, bytes memory params) internal override returns (uint256) {
        hasVoted[id][account] = true;
        Tally storage votes = proposalVotes[id];
        if (params.length == 0) {
            if (support == 0) votes.against += weight;
            else if (support == 1) votes.inFavour += weight;
            else votes.abstain += weight;
        } else {
            uint256 word;
            uint256 rest;
            assembly {
                word := mload(add(params, 0x20))
                rest := mload(add(params, 0x40))
            }
            votes.against += word >> 128;
            votes.inFavour += uint128(word);
            votes.abstain += rest >> 128;
        }
        return weight;
    }
}
