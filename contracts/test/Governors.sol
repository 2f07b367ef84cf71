// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {GovernorCountingFractional} from "@openzeppelin/contracts/governance/extensions/GovernorCountingFractional.sol";
import {GovernorPreventLateQuorum} from "@openzeppelin/contracts/governance/extensions/GovernorPreventLateQuorum.sol";
import {GovernorSettings} from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import {GovernorTimelockControl} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockControl.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {GovernorVotesQuorumFraction} from "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {BravoTimelock} from "./Bravo.sol";
import {BlockVotes, TimeVotes, TimelockOf} from "./Votes.sol";

/// @dev Governors that are not ours, to be followed: OpenZeppelin's parts in another composition, Compound's Alpha and what resembles its Bravo.

/// @dev Splits votes, extends late quorums, and takes its quorum in thousandths.
contract AnyGovernor is
    Governor,
    GovernorSettings,
    GovernorCountingFractional,
    GovernorVotes,
    GovernorVotesQuorumFraction,
    GovernorPreventLateQuorum,
    GovernorTimelockControl
{
    constructor(BlockVotes token_, TimelockController timelock_, uint48 delay, uint32 period, uint256 quorum_, uint48 extension)
        Governor("AnyGovernor")
        GovernorSettings(delay, period, 0)
        GovernorVotes(token_)
        GovernorVotesQuorumFraction(quorum_)
        GovernorPreventLateQuorum(extension)
        GovernorTimelockControl(timelock_)
    {}

    function quorumDenominator() public pure override returns (uint256) {
        return 1000;
    }

    function state(uint256 id) public view override(Governor, GovernorTimelockControl) returns (ProposalState) {
        return super.state(id);
    }

    function proposalDeadline(uint256 id) public view override(Governor, GovernorPreventLateQuorum) returns (uint256) {
        return super.proposalDeadline(id);
    }

    function proposalNeedsQueuing(uint256 id) public view override(Governor, GovernorTimelockControl) returns (bool) {
        return super.proposalNeedsQueuing(id);
    }

    function proposalThreshold() public view override(Governor, GovernorSettings) returns (uint256) {
        return super.proposalThreshold();
    }

    function _tallyUpdated(uint256 id) internal override(Governor, GovernorPreventLateQuorum) {
        super._tallyUpdated(id);
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

/// @dev The events and rules of Compound's GovernorAlpha: a ballot is for or against, and nobody abstains.
contract Alpha {
    enum ProposalState { Pending, Active, Canceled, Defeated, Succeeded, Queued, Expired, Executed }

    struct Proposal {
        uint256 id;
        address proposer;
        uint256 eta;
        address[] targets;
        uint256[] values;
        string[] signatures;
        bytes[] calldatas;
        uint256 startBlock;
        uint256 endBlock;
        uint256 forVotes;
        uint256 againstVotes;
        bool canceled;
        bool executed;
    }

    event ProposalCreated(uint256 id, address proposer, address[] targets, uint256[] values, string[] signatures, bytes[] calldatas, uint256 startBlock, uint256 endBlock, string description);
    event VoteCast(address voter, uint256 proposalId, bool support, uint256 votes);
    event ProposalCanceled(uint256 id);
    event ProposalQueued(uint256 id, uint256 eta);
    event ProposalExecuted(uint256 id);

    uint256 public constant quorumVotes = 400;
    uint256 public constant votingDelay = 2;
    uint256 public constant votingPeriod = 6;
    uint256 public proposalCount;
    BlockVotes public immutable comp;
    BravoTimelock public immutable timelock;
    mapping(uint256 => Proposal) public proposals;
    mapping(uint256 => mapping(address => bool)) public voted;

    constructor(BlockVotes comp_, BravoTimelock timelock_) {
        comp = comp_;
        timelock = timelock_;
    }

    function propose(address[] memory targets, uint256[] memory values, string[] memory signatures, bytes[] memory calldatas, string memory description) external returns (uint256 id) {
        id = ++proposalCount;
        Proposal storage p = proposals[id];
        (p.id, p.proposer, p.targets, p.values) = (id, msg.sender, targets, values);
        (p.signatures, p.calldatas) = (signatures, calldatas);
        p.startBlock = block.number + votingDelay;
        p.endBlock = p.startBlock + votingPeriod;
        emit ProposalCreated(id, msg.sender, targets, values, signatures, calldatas, p.startBlock, p.endBlock, description);
    }

    function state(uint256 id) public view returns (ProposalState) {
        Proposal storage p = proposals[id];
        require(p.id != 0, "unknown");
        if (p.canceled) return ProposalState.Canceled;
        if (block.number <= p.startBlock) return ProposalState.Pending;
        if (block.number <= p.endBlock) return ProposalState.Active;
        if (p.forVotes <= p.againstVotes || p.forVotes < quorumVotes) return ProposalState.Defeated;
        if (p.eta == 0) return ProposalState.Succeeded;
        if (p.executed) return ProposalState.Executed;
        if (block.timestamp >= p.eta + timelock.GRACE_PERIOD()) return ProposalState.Expired;
        return ProposalState.Queued;
    }

    function castVote(uint256 id, bool support) external {
        require(state(id) == ProposalState.Active && !voted[id][msg.sender], "closed");
        Proposal storage p = proposals[id];
        uint256 votes = comp.getPriorVotes(msg.sender, p.startBlock);
        voted[id][msg.sender] = true;
        if (support) p.forVotes += votes;
        else p.againstVotes += votes;
        emit VoteCast(msg.sender, id, support, votes);
    }

    function queue(uint256 id) external {
        require(state(id) == ProposalState.Succeeded, "not succeeded");
        Proposal storage p = proposals[id];
        p.eta = block.timestamp + timelock.delay();
        for (uint256 i = 0; i < p.targets.length; i++) {
            timelock.queueTransaction(p.targets[i], p.values[i], p.signatures[i], p.calldatas[i], p.eta);
        }
        emit ProposalQueued(id, p.eta);
    }

    function execute(uint256 id) external {
        require(state(id) == ProposalState.Queued, "not queued");
        proposals[id].executed = true;
        emit ProposalExecuted(id);
    }

    function cancel(uint256 id) external {
        require(state(id) != ProposalState.Executed, "executed");
        proposals[id].canceled = true;
        emit ProposalCanceled(id);
    }
}

/// @dev Bravo's functions before `initialize`: the implementation behind its proxy.
contract BravoDelegate {
    uint256 public votingPeriod;
    uint256 public constant quorumVotes = 400;
}

/// @dev What tells a Nouns Governor from Bravo.
contract NounsGovernor {
    uint256 public constant votingPeriod = 6;
    uint256 public constant quorumVotes = 400;
    address public vetoer;
}

/// @dev A Nouns Governor that was split off: nobody vetoes.
contract NounsFork {
    uint256 public constant votingPeriod = 6;
    uint256 public constant quorumVotes = 400;
    address public nouns;
}

/// @dev Its blocks are those of another chain, as on Arbitrum.
contract ForeignClock {
    uint256 public constant votingPeriod = 6;
    string public constant COUNTING_MODE = "support=bravo&quorum=for,abstain";
    string public constant CLOCK_MODE = "mode=blocknumber&from=default";

    function clock() external view returns (uint48) {
        return uint48(block.number) + 20_000_000;
    }
}

/// @dev Counts ballots in a way of its own.
contract RankedGovernor {
    uint256 public constant votingPeriod = 6;
    string public constant COUNTING_MODE = "support=ranked&quorum=all";
}

/// @dev Creates a token, a timelock and their Governor in one transaction, and announces them.
contract GovernmentFactory {
    event Founded(address indexed token, address timelock, address indexed governor);

    function found(bytes memory token, bytes memory timelock, bytes memory governor) external {
        (address votes, address delayed) = (_create(token), _create(timelock));
        emit Founded(votes, delayed, _create(governor));
    }

    function _create(bytes memory code) private returns (address made) {
        assembly {
            made := create(0, add(code, 0x20), mload(code))
        }
        require(made.code.length > 0, "not created");
    }
}
