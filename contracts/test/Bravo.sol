// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {BlockVotes} from "./Votes.sol";

/// @dev Compound's GovernorBravo with its timelock.

/// @dev The events and rules of Compound's timelock, for one admin.
contract BravoTimelock {
    uint256 public constant GRACE_PERIOD = 100;
    uint256 public immutable delay;
    mapping(bytes32 => bool) public queuedTransactions;

    event NewDelay(uint256 indexed newDelay);
    event QueueTransaction(bytes32 indexed txHash, address indexed target, uint256 value, string signature, bytes data, uint256 eta);
    event CancelTransaction(bytes32 indexed txHash, address indexed target, uint256 value, string signature, bytes data, uint256 eta);
    event ExecuteTransaction(bytes32 indexed txHash, address indexed target, uint256 value, string signature, bytes data, uint256 eta);

    constructor(uint256 delay_) {
        delay = delay_;
        emit NewDelay(delay_);
    }

    function hashOf(address target, uint256 value, string memory signature, bytes memory data, uint256 eta) public pure returns (bytes32) {
        return keccak256(abi.encode(target, value, signature, data, eta));
    }

    function queueTransaction(address target, uint256 value, string memory signature, bytes memory data, uint256 eta) external {
        bytes32 hash = hashOf(target, value, signature, data, eta);
        queuedTransactions[hash] = true;
        emit QueueTransaction(hash, target, value, signature, data, eta);
    }

    function cancelTransaction(address target, uint256 value, string memory signature, bytes memory data, uint256 eta) external {
        bytes32 hash = hashOf(target, value, signature, data, eta);
        queuedTransactions[hash] = false;
        emit CancelTransaction(hash, target, value, signature, data, eta);
    }

    function executeTransaction(address target, uint256 value, string memory signature, bytes memory data, uint256 eta) external {
        bytes32 hash = hashOf(target, value, signature, data, eta);
        require(queuedTransactions[hash], "not queued");
        require(block.timestamp >= eta && block.timestamp <= eta + GRACE_PERIOD, "not now");
        queuedTransactions[hash] = false;
        (bool ok,) = target.call{value: value}(abi.encodePacked(bytes4(keccak256(bytes(signature))), data));
        require(ok, "reverted");
        emit ExecuteTransaction(hash, target, value, signature, data, eta);
    }
}

/// @dev The events and rules of Compound's GovernorBravo.
contract Bravo {
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
        uint256 abstainVotes;
        bool canceled;
        bool executed;
    }

    event ProposalCreated(uint256 id, address proposer, address[] targets, uint256[] values, string[] signatures, bytes[] calldatas, uint256 startBlock, uint256 endBlock, string description);
    event VoteCast(address indexed voter, uint256 proposalId, uint8 support, uint256 votes, string reason);
    event ProposalCanceled(uint256 id);
    event ProposalQueued(uint256 id, uint256 eta);
    event ProposalExecuted(uint256 id);
    event VotingDelaySet(uint256 oldVotingDelay, uint256 newVotingDelay);

    uint256 public quorumVotes = 400;
    uint256 public votingDelay = 2;
    uint256 public votingPeriod = 6;
    uint256 public proposalCount;
    BlockVotes public immutable comp;
    BravoTimelock public immutable timelock;
    mapping(uint256 => Proposal) public proposals;
    mapping(uint256 => mapping(address => bool)) public voted;

    constructor(BlockVotes comp_, BravoTimelock timelock_) {
        comp = comp_;
        timelock = timelock_;
        emit VotingDelaySet(0, votingDelay);
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

    function castVote(uint256 id, uint8 support) external {
        require(state(id) == ProposalState.Active && !voted[id][msg.sender], "closed");
        Proposal storage p = proposals[id];
        uint256 votes = comp.getPriorVotes(msg.sender, p.startBlock);
        voted[id][msg.sender] = true;
        if (support == 0) p.againstVotes += votes;
        else if (support == 1) p.forVotes += votes;
        else p.abstainVotes += votes;
        emit VoteCast(msg.sender, id, support, votes, "");
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
        Proposal storage p = proposals[id];
        p.executed = true;
        for (uint256 i = 0; i < p.targets.length; i++) {
            timelock.executeTransaction(p.targets[i], p.values[i], p.signatures[i], p.calldatas[i], p.eta);
        }
        emit ProposalExecuted(id);
    }

    function cancel(uint256 id) external {
        require(state(id) != ProposalState.Executed, "executed");
        Proposal storage p = proposals[id];
        p.canceled = true;
        if (p.eta != 0) {
            for (uint256 i = 0; i < p.targets.length; i++) {
                timelock.cancelTransaction(p.targets[i], p.values[i], p.signatures[i], p.calldatas[i], p.eta);
            }
        }
        emit ProposalCanceled(id);
    }

    function setVotingDelay(uint256 to) external {
        require(msg.sender == address(timelock), "only the timelock");
        emit VotingDelaySet(votingDelay, to);
        votingDelay = to;
    }
}
