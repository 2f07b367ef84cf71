"""What a stranger has of the chain: the raw logs of the contracts, the hashes of blocks, and the addresses of a deployment."""

import re
from types import SimpleNamespace

from .keccak import keccak_hex

# As in docs/protocol.md; `!` marks what is indexed.
SPLIT = "(uint16,uint16,uint16,uint16,uint16,uint16,uint16,uint16,bool)"
EVENTS = {
    "RewardDistributor": [
        "EpochFunded(uint256! epoch, address! from, uint256 amount, uint256 toBlock)",
        "RewardMapPublished(uint256! epoch, uint64 fromBlock, uint64 toBlock, bytes32 blockHash, bytes32 root, uint256 total, string uri, bytes32 codeHash)",
        "RewardMapCancelled(uint256! epoch, bytes32 root)",
    ],
    "InferenceMarket": [
        "EndpointRegistered(uint256! endpointId, uint256! versionId, address! host, string url, uint256 priceIn, uint256 priceOut)",
        "Redeemed(uint256! endpointId, bytes32! channelId, address! consumer, uint256 versionId, uint256 epoch, uint256 total, uint256 amount)",
    ],
    "ModelRegistry": [
        "ModelProposed(uint256! modelId, address! proposer, uint256! proposalId, bytes32 specHash, string specURI, uint256 bond)",
        f"SplitSet(uint256! modelId, bytes32 splitHash, {SPLIT} split)",
        "ModelStaked(uint256! modelId, address! account, uint256 amount)",
        "ModelUnstaked(uint256! modelId, address! account, uint256 amount)",
        "VersionRegistered(uint256! versionId, uint256! modelId, uint256! parentVersionId, string method, bytes32 datasetRoot, bytes32 manifestHash, bytes32 adapterHash)",
    ],
    "DatanetRegistry": [
        "ContributionSubmitted(uint256! contributionId, uint256! datanetId, address! contributor, bytes32 contentHash, uint256 stake, bytes32 commitment)",
        "ContributionScored(uint256! contributionId, address! scorer, uint32 quality, uint32 uniqueness, uint8 verdict, string reason)",
    ],
    "FeedbackPool": [
        "FeedbackSettled(uint256! taskId, address! validator, uint32 score, uint256 reward, uint256 penalty)",
        "TaskSettled(uint256! taskId, uint256 paid, uint256 returned, bytes32 evidenceHash)",
    ],
    "Disputes": [
        "DisputeOpened(uint256! disputeId, uint8! kind, uint256! subjectId, address challenger, uint256 bond, bytes32 evidenceHash)",
        "DisputeResolved(uint256! disputeId, uint8 outcome, uint256 slashed)",
    ],
}


class Event:
    """An event by its declaration: its topic, and how its logs are decoded."""

    def __init__(self, declaration):
        self.name, parameters = re.fullmatch(r"(\w+)\((.*)\)", declaration).groups()
        self.parameters = re.findall(r"(\([^)]*\)|\w+)(!?) (\w+)", parameters)
        types = ",".join(kind for kind, _, _ in self.parameters)
        self.topic = keccak_hex(f"{self.name}({types})".encode())

    def decode(self, log):
        data = bytes.fromhex(log["data"][2:])
        topics = [bytes.fromhex(topic[2:]) for topic in log["topics"][1:]]
        fields, at = {}, 0
        for kind, indexed, name in self.parameters:
            if indexed:
                fields[name] = _static(kind, topics.pop(0))
            elif kind == "string":
                fields[name] = _string(data, int.from_bytes(data[at : at + 32], "big"))
                at += 32
            elif kind.startswith("("):
                kinds = kind[1:-1].split(",")
                fields[name] = [_static(k, data[at + 32 * i : at + 32 * i + 32]) for i, k in enumerate(kinds)]
                at += 32 * len(kinds)
            else:
                fields[name] = _static(kind, data[at : at + 32])
                at += 32
        return SimpleNamespace(block=int(log["blockNumber"], 16), **fields)


def _static(kind, word):
    if kind == "address":
        return "0x" + word[12:].hex()
    if kind == "bytes32":
        return "0x" + word.hex()
    number = int.from_bytes(word, "big")
    return number != 0 if kind == "bool" else number


def _string(data, at):
    length = int.from_bytes(data[at : at + 32], "big")
    return data[at + 32 : at + 32 + length].decode("utf-8", "replace")


class Chain:
    """The events of a deployment in the order of the chain.

    `description` has `chainId`, `firstBlock` (in which the distributor was created), `contracts` (their addresses by name), and
    `blockHashes` by number.
    """

    def __init__(self, description, logs):
        contracts = {name: address.lower() for name, address in description["contracts"].items()}
        self.id = description["chainId"]
        self.first_block = description["firstBlock"]
        self.block_hashes = description["blockHashes"]
        self.treasury = contracts["Treasury"]
        self.distributor = contracts["RewardDistributor"]
        known = {}
        for contract, declarations in EVENTS.items():
            for event in map(Event, declarations):
                known[contracts[contract], event.topic] = event
        self._events = {event.name: [] for event in known.values()}
        for log in sorted(logs, key=lambda log: (int(log["blockNumber"], 16), int(log["logIndex"], 16))):
            event = known.get((log["address"].lower(), log["topics"][0] if log["topics"] else None))
            if event:
                self._events[event.name].append(event.decode(log))

    def events(self, name, until=None):
        """The events of a name up to the block `until`; without it, all that the chain has now."""
        return [event for event in self._events[name] if until is None or event.block <= until]
