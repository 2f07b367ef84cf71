"""Step 5: which receipts of the usage documents count, and what they say of each version's answers."""

from collections import defaultdict
from dataclasses import dataclass, field

from .facts import by_id

WHOLE_ANSWER = 1_000_000


@dataclass
class Answers:
    """Of a version's counted receipts: the sum of their fees, and fee × mass of each contribution that can earn."""

    opened: int = 0
    masses: dict = field(default_factory=lambda: defaultdict(int))


def _order(receipt):
    entries = sorted(f"{entry['contributionId']}:{entry['mass']}" for entry in receipt["attribution"])
    return (
        receipt["id"],
        by_id(receipt["endpointId"]),
        by_id(receipt["versionId"]),
        receipt["consumer"],
        int(receipt["fee"]),
        " ".join(entries),
    )


def count_receipts(receipts, facts):
    """The answers of each version, by the receipts that count."""
    room = dict(facts.fees)
    counted = set()
    answers = defaultdict(Answers)
    for receipt in sorted(receipts, key=_order):
        place = (receipt["endpointId"], receipt["versionId"], receipt["consumer"])
        fee = int(receipt["fee"])
        masses = [(entry["contributionId"], entry["mass"]) for entry in receipt["attribution"]]
        if (
            (receipt["endpointId"], receipt["id"]) in counted
            or place not in room
            or fee > room[place]
            or sum(mass for _, mass in masses) > WHOLE_ANSWER
        ):
            continue
        counted.add((receipt["endpointId"], receipt["id"]))
        room[place] -= fee
        version = answers[receipt["versionId"]]
        version.opened += fee
        for contribution, mass in masses:
            if contribution in facts.contributors:
                version.masses[contribution] += fee * mass
    return answers


def counted_weights(version, facts):
    """The weights of a version's manifest that count, by contribution."""
    counted = {}
    for contribution, weight in version.weights:
        if weight > 0 and contribution in facts.contributors:
            counted.setdefault(contribution, weight)
    return counted
