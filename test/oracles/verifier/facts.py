"""Steps 1 and 4: the blocks of an epoch, and what the chain and the manifests say as of its last block."""

from collections import defaultdict
from dataclasses import dataclass

from .documents import MANIFEST

MAX_GENERATIONS = 8


def by_id(text):
    """The order of ids: as numbers. Of texts that are no plain numbers, the shorter one comes first."""
    return (len(text), text)


@dataclass
class Terms:
    """SplitSet.split: shares in basis points; platform of all, the others of the rest."""

    platform: int
    owner: int
    stakers: int
    data: int
    validators: int
    host: int
    ancestors: int
    dataByWeight: int
    unattributedByWeight: bool


@dataclass
class Version:
    model: str
    parent: str | None
    weights: list  # (contribution, weight), as the manifest lists them
    judgements: list  # (task, validator, score)


@dataclass
class Facts:
    fees: dict  # (endpoint, version, consumer) -> wei
    hosts: dict  # endpoint -> account
    versions: dict  # version -> Version
    owners: dict  # model -> account
    terms: dict  # model -> Terms
    stakes: dict  # model -> account -> wei × blocks
    contributors: dict  # contribution that can earn -> account
    upheld: list  # (dispute, kind, subject) of the disputes that were resolved in the epoch's blocks with outcome 1, by dispute


def epoch_blocks(chain, epoch):
    """The first and the last block of an epoch; None when it does not exist."""
    last = {event.epoch: event.toBlock for event in chain.events("EpochFunded")}
    if epoch not in last:
        return None
    return (chain.first_block if epoch == 1 else last[epoch - 1] + 1), last[epoch]


def read_facts(chain, artifacts, epoch, absent):
    first, last = epoch_blocks(chain, epoch)
    fees = _fees(chain, epoch, last)
    versions = _versions(chain, artifacts, last, absent, {version for _, version, _ in fees})
    return Facts(
        fees=fees,
        hosts={str(e.endpointId): e.host for e in chain.events("EndpointRegistered", last)},
        versions=versions,
        owners={str(e.modelId): e.proposer for e in chain.events("ModelProposed", last)},
        terms={str(e.modelId): Terms(*e.split) for e in chain.events("SplitSet", last)},
        stakes=_stakes(chain, first, last),
        contributors=_contributors(chain, last),
        upheld=_upheld(chain, first, last),
    )


def _fees(chain, epoch, last):
    fees = defaultdict(int)
    for e in chain.events("Redeemed", last):
        if e.epoch == epoch:
            fees[str(e.endpointId), str(e.versionId), e.consumer] += e.amount
    return dict(fees)


def _versions(chain, artifacts, last, absent, served):
    """The versions with fees, and the ancestors of each."""
    registered = {str(e.versionId): e for e in chain.events("VersionRegistered", last)}
    wanted = set(served)
    for version in served:
        for _ in range(MAX_GENERATIONS):
            parent = str(registered[version].parentVersionId)
            if parent == "0":
                break
            wanted.add(parent)
            version = parent
    versions = {}
    for version in sorted(wanted, key=by_id):
        e = registered[version]
        manifest = artifacts.document(e.manifestHash, MANIFEST, absent) or {"evidence": [], "weights": []}
        versions[version] = Version(
            model=str(e.modelId),
            parent=str(e.parentVersionId) if e.parentVersionId else None,
            weights=[(w["contributionId"], int(w["weight"])) for w in manifest["weights"]],
            judgements=_judgements(chain, last, set(manifest["evidence"])),
        )
    return versions


def _judgements(chain, last, evidence):
    tasks = {e.taskId for e in chain.events("TaskSettled", last) if e.evidenceHash in evidence}
    return [
        (str(e.taskId), e.validator, e.score)
        for e in chain.events("FeedbackSettled", last)
        if e.taskId in tasks and e.score > 0
    ]


def _stakes(chain, first, last):
    """What each account had staked at the end of each block of the epoch, summed over the blocks."""
    stakes = defaultdict(lambda: defaultdict(int))
    for name, sign in (("ModelStaked", 1), ("ModelUnstaked", -1)):
        for e in chain.events(name, last):
            # A change counts at the end of its block and of every later one.
            stakes[str(e.modelId)][e.account] += sign * e.amount * (last + 1 - max(e.block, first))
    return stakes


def _contributors(chain, last):
    """The contributors of the contributions that can earn."""
    accepted = {e.contributionId for e in chain.events("ContributionScored", last) if e.verdict == 1}
    disputed = {e.disputeId: e.subjectId for e in chain.events("DisputeOpened", last) if e.kind == 0}
    upheld = {disputed.get(e.disputeId) for e in chain.events("DisputeResolved", last) if e.outcome == 1}
    return {
        str(e.contributionId): e.contributor
        for e in chain.events("ContributionSubmitted", last)
        if e.contributionId in accepted - upheld
    }


CONTRIBUTION, JUDGEMENT = 0, 1


def _upheld(chain, first, last):
    opened = {e.disputeId: (e.kind, e.subjectId) for e in chain.events("DisputeOpened", last)}
    resolved = sorted(e.disputeId for e in chain.events("DisputeResolved", last) if e.outcome == 1 and e.block >= first)
    return [(id, *opened[id]) for id in resolved if opened[id][0] in (CONTRIBUTION, JUDGEMENT)]


def paid_for(line, kind, subject):
    """Whether a line of a map pays for the subject of a dispute. A judgement's subject is its task and its validator."""
    source = line["source"]["kind"], line["source"]["id"]
    if kind == CONTRIBUTION:
        return source == ("contribution", str(subject))
    task, validator = divmod(subject, 1 << 160)
    return source == ("task", str(task)) and line["account"] == f"0x{validator:040x}"
