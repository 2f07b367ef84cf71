"""Steps 6 to 9: from fees to versions, from versions to pots, from pots to accounts, and the debts."""

from collections import defaultdict
from dataclasses import dataclass

from .facts import MAX_GENERATIONS, Facts, by_id
from .receipts import WHOLE_ANSWER, Answers, count_receipts, counted_weights

BPS = 10_000
POTS = ("owner", "stakers", "answers", "data", "validators", "host")


@dataclass
class State:
    """What an epoch starts from, and leaves."""

    cumulative: dict  # account -> wei
    carried: dict  # (version, pot) -> wei
    debts: list  # {account, amount, to, reason}, the oldest first


@dataclass
class Claim:
    account: str
    role: str
    kind: str
    id: str
    weight: int


class Rewards:
    """One epoch. After `pay`, `cumulative`, `carried`, `debts` and `lines` are those of its map."""

    def __init__(self, before: State, facts: Facts, receipts: list, treasury: str):
        self.before = before
        self.facts = facts
        self.treasury = treasury
        self.answers = count_receipts(receipts, facts)
        self.cumulative = defaultdict(int, before.cumulative)
        self.carried = defaultdict(int, before.carried)
        self.debts = []
        self.lines = []
        self.fees = defaultdict(int)  # version -> wei
        for (_, version, _), amount in facts.fees.items():
            self.fees[version] += amount
        self.served = defaultdict(int)
        self.inherited = defaultdict(int)

    def pay(self):
        for version in sorted(self.fees, key=by_id):
            self._share_with_ancestors(version, self._platform_paid(version))
        for version in sorted({*self.served, *self.inherited}, key=by_id):
            self._pay_pots(version, self._pots(version))
        self._pay_debts()
        return self

    def terms_of(self, version):
        return self.facts.terms[self.facts.versions[version].model]

    # Step 6

    def _platform_paid(self, version):
        """Pays the platform's share of a version's fees; what remains of the fees."""
        fees = self.fees[version]
        share = Claim(self.treasury, "platform", "version", version, self.terms_of(version).platform)
        return fees - self._pay(version, share, fees, BPS)

    def _share_with_ancestors(self, version, amount):
        """Passes `amount`, and what the version carries as `rest`, up the lineage."""
        amount += self.carried.pop((version, "rest"), 0)
        kept = self.served
        for _ in range(MAX_GENERATIONS):
            parent = self.facts.versions[version].parent
            if parent is None or self.terms_of(parent).host == BPS:
                break
            passed = amount * self.terms_of(version).ancestors // BPS
            kept[version] += amount - passed
            version, amount, kept = parent, passed, self.inherited
        kept[version] += amount

    # Step 7

    def _pots(self, version):
        """What each pot of a version gets now. What the divisions leave is carried in `rest`."""
        terms, served, inherited = self.terms_of(version), self.served[version], self.inherited[version]
        pots = {name: served * getattr(terms, name) // BPS for name in ("owner", "stakers", "data", "validators", "host")}
        left = served - sum(pots.values())

        by_weight = pots["data"] * terms.dataByWeight // BPS
        pots["answers"] = pots["data"] - by_weight
        pots["data"] = by_weight

        heirs = ("owner", "stakers", "data", "validators")
        whole = sum(getattr(terms, name) for name in heirs)
        left += inherited
        for name in heirs:
            share = inherited * getattr(terms, name) // whole if whole else 0
            pots[name] += share
            left -= share
        self.carried[version, "rest"] += left

        fees = self.fees[version]
        stays = pots["answers"] * self._answers(version).opened // fees if fees else 0
        pots["data"] += pots["answers"] - stays
        pots["answers"] = stays
        return pots

    def _answers(self, version):
        return self.answers.get(version, Answers())

    # Step 8

    def _pay_pots(self, version, pots):
        for name in POTS:
            if pots[name] == 0:
                continue
            amount = pots[name] + self.carried.pop((version, name), 0)
            claims = self._claims(version, name)
            weights = sum(claim.weight for claim in claims)
            whole = self._answers(version).opened * WHOLE_ANSWER if name == "answers" else weights or 1
            left = amount - sum(self._pay(version, claim, amount, whole) for claim in claims)
            nobody = Claim(self.treasury, "unattributed", "pot", name, whole - weights)
            if name == "answers" and self.terms_of(version).unattributedByWeight:
                moved = amount * nobody.weight // whole
                pots["data"] += moved
                left -= moved
            else:
                left -= self._pay(version, nobody, amount, whole)
            self.carried[version, name] = left

    def _claims(self, version, pot):
        facts = self.facts
        of_version = facts.versions[version]
        if pot == "owner":
            return [Claim(facts.owners[of_version.model], pot, "version", version, 1)]
        if pot == "stakers":
            stakes = facts.stakes[of_version.model]
            return [Claim(account, pot, "stake", account, stakes[account]) for account in sorted(stakes)]
        if pot == "answers":
            return self._contributions(pot, self._answers(version).masses)
        if pot == "data":
            return self._contributions(pot, counted_weights(of_version, facts))
        if pot == "validators":
            judgements = sorted(of_version.judgements, key=lambda judgement: (by_id(judgement[0]), judgement[1]))
            return [Claim(validator, pot, "task", task, score) for task, validator, score in judgements]
        fees = defaultdict(int)
        for (endpoint, served, _), amount in facts.fees.items():
            if served == version:
                fees[endpoint] += amount
        return [Claim(facts.hosts[endpoint], pot, "endpoint", endpoint, fees[endpoint]) for endpoint in sorted(fees, key=by_id)]

    def _contributions(self, pot, weights):
        contributors = self.facts.contributors
        return [Claim(contributors[id], pot, "contribution", id, weights[id]) for id in sorted(weights, key=by_id)]

    def _pay(self, version, claim, pot, whole):
        """Pays ⌊pot × weight / whole⌋, with a line; the amount."""
        amount = pot * claim.weight // whole
        self.cumulative[claim.account] += amount
        self._explain(claim.account, claim.role, version, claim.kind, claim.id, amount, pot, claim.weight, whole)
        return amount

    def _explain(self, account, role, version, kind, id, amount, pot, weight, whole):
        if amount != 0:
            self.lines.append(
                {
                    "account": account,
                    "role": role,
                    "versionId": version,
                    "source": {"kind": kind, "id": id},
                    "amount": str(amount),
                    "pot": str(pot),
                    "weight": str(weight),
                    "whole": str(whole),
                }
            )

    # Step 9

    def _pay_debts(self):
        for debt in self.before.debts:
            account, owed, creditor = debt["account"], debt["amount"], debt["to"] or self.treasury
            withheld = min(owed, self.cumulative[account] - self.before.cumulative.get(account, 0))
            self.cumulative[account] -= withheld
            self.cumulative[creditor] += withheld
            explanation = (None, "correction", debt["reason"])
            self._explain(account, "withheld", *explanation, -withheld, owed, withheld, owed)
            self._explain(creditor, "recovered", *explanation, withheld, owed, withheld, owed)
            if owed > withheld:
                self.debts.append({**debt, "amount": owed - withheld})
