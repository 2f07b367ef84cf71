// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {BlockVotes} from "./Votes.sol";

/// @dev OpenZeppelin's Governor before ERC-6372 and before 4.7.2, with the functions of GovernorCompatibilityBravo: it has no clock and keeps no
/// history of its numerator. Without a numerator, the quorum is fixed.
contract OldGovernor {
    enum ProposalState { Pending, Active, Canceled, Defeated, Succeeded, Queued, Expired, Executed }

    struct Proposal {
        uint256 id;
        address proposer;
        uint256 eta;
        uint256 startBlock;
        uint256 endBlock;
        uint256 forVotes;
        uint256 againstVotes;
        uint256 abstainVotes;
        bool canceled;
        bool executed;
    }

    event ProposalCreated(uint256 proposalId, address proposer, address[] targets, uint256[] values, string[] signatures, bytes[] calldatas, uint256 startBlock, uint256 endBlock, string description);
    event VoteCast(address indexed voter, uint256 proposalId, uint8 support, uint256 weight, string reason);
    event QuorumNumeratorUpdated(uint256 oldQuorumNumerator, uint256 newQuorumNumerator);

    string public constant COUNTING_MODE = "support=bravo&quorum=bravo";
    uint256 public constant votingDelay = 2;
    uint256 public constant votingPeriod = 8;
    BlockVotes public immutable token;
    uint256 private immutable _fixed;
    uint256 private _numerator;
    mapping(uint256 => Proposal) public proposals;

    constructor(BlockVotes token_, uint256 numerator, uint256 fixedQuorum) {
        (token, _fixed) = (token_, fixedQuorum);
        if (numerator > 0) updateQuorumNumerator(numerator);
    }

    function quorumNumerator() external view returns (uint256) {
        require(_fixed == 0, "none");
        return _numerator;
    }

    function quorum(uint256 blockNumber) public view returns (uint256) {
        return _fixed > 0 ? _fixed : token.getPastTotalSupply(blockNumber) * _numerator / 100;
    }

    function updateQuorumNumerator(uint256 to) public {
        emit QuorumNumeratorUpdated(_numerator, to);
        _numerator = to;
    }

    function hashProposal(address[] memory targets, uint256[] memory values, bytes[] memory calldatas, bytes32 descriptionHash) public pure returns (uint256) {
        return uint256(keccak256(abi.encode(targets, values, calldatas, descriptionHash)));
    }

    function propose(address[] memory targets, uint256[] memory values, bytes[] memory calldatas, string memory description) external {
        uint256 id = hashProposal(targets, values, calldatas, keccak256(bytes(description)));
        Proposal storage p = proposals[id];
        (p.id, p.proposer, p.startBlock, p.endBlock) = (id, msg.sender, block.number + votingDelay, block.number + votingDelay + votingPeriod);
        emit ProposalCreated(id, msg.sender, targets, values, new string[](targets.length), calldatas, p.startBlock, p.endBlock, description);
    }

    function castVote(uint256 id, uint8 support) external {
        require(state(id) == ProposalState.Active, "closed");
        Proposal storage p = proposals[id];
        uint256 weight = token.getPastVotes(msg.sender, p.startBlock);
        if (support == 0) p.againstVotes += weight;
        else if (support == 1) p.forVotes += weight;
        else p.abstainVotes += weight;
        emit VoteCast(msg.sender, id, support, weight, "");
    }

    function state(uint256 id) public view returns (ProposalState) {
        Proposal storage p = proposals[id];
        require(p.id != 0, "unknown");
        if (block.number <= p.startBlock) return ProposalState.Pending;
        if (block.number <= p.endBlock) return ProposalState.Active;
        if (p.forVotes >= quorum(p.startBlock) && p.forVotes > p.againstVotes) return ProposalState.Succeeded;
        return ProposalState.Defeated;
    }
}
