"""Steps 3, 9 and 10: the state before an epoch, and its reward map."""

import re
from itertools import zip_longest

from .documents import (
    HASH,
    LISTS,
    MAX_ALL_USAGE_BYTES,
    MAX_USAGE_BYTES,
    PAGE_ENTRIES,
    RECEIPT,
    REWARD_MAP,
    USAGE,
    has_form,
    signed_usage,
)
from .facts import by_id, epoch_blocks, paid_for, read_facts
from .merkle import merkle_root
from .pages import NoPage, Pages
from .rewards import Rewards, State
from .signatures import signer, usage_digest


class Verifier:
    """Computes reward maps from what a stranger has."""

    def __init__(self, chain, artifacts, page_entries=PAGE_ENTRIES):
        self.chain = chain
        self.artifacts = artifacts
        self.pages = Pages(artifacts, page_entries)

    def published(self, epoch):
        """The map of an epoch as the chain has it now: the last RewardMapPublished, unless it was cancelled; or None."""
        maps = [e for e in self.chain.events("RewardMapPublished") if e.epoch == epoch]
        cancelled = [e for e in self.chain.events("RewardMapCancelled") if e.epoch == epoch]
        return maps[-1] if len(maps) > len(cancelled) else None

    def compute(self, epoch, usage, absent):
        """The document of an epoch's reward map, without `codeHash`, when it uses the documents `usage` and leaves out `absent`."""
        first, last = epoch_blocks(self.chain, epoch)
        before = self._state_before(epoch, absent)
        facts = read_facts(self.chain, self.artifacts, epoch, absent)
        before.debts += self._new_debts(epoch, facts.upheld, absent)
        rewards = Rewards(before, facts, self._receipts(epoch, usage, absent, facts), self.chain.treasury).pay()
        leaves = sorted((account, amount) for account, amount in rewards.cumulative.items() if amount > 0)
        carried = sorted(rewards.carried, key=lambda place: (by_id(place[0]), place[1]))
        return {
            "epoch": epoch,
            "chainId": self.chain.id,
            "distributor": self.chain.distributor,
            "fromBlock": first,
            "toBlock": last,
            "blockHash": self.chain.block_hashes[str(last)],
            "root": merkle_root(self.chain.id, self.chain.distributor, epoch, leaves),
            "total": str(sum(rewards.cumulative.values()) - sum(before.cumulative.values())),
            "leaves": [{"account": account, "cumulative": str(amount)} for account, amount in leaves],
            "carried": [
                {"versionId": version, "pot": pot, "amount": str(rewards.carried[version, pot])}
                for version, pot in carried
                if rewards.carried[version, pot] > 0
            ],
            "debts": [{**debt, "amount": str(debt["amount"])} for debt in rewards.debts],
            "usage": usage,
            "absent": absent,
            "lines": rewards.lines,
        }

    def _receipts(self, epoch, usage, absent, facts):
        """The receipts of each host's own endpoints, of the first document that it signed for this epoch."""
        paid = {facts.hosts[endpoint] for endpoint, _, _ in facts.fees}
        documents = {}
        for entry in usage:
            digest = usage_digest(self.chain.id, self.chain.distributor, epoch, entry["document"])
            host = signer(digest, entry["signature"])
            if host in paid:
                documents.setdefault(host, entry["document"])
        receipts = []
        left = MAX_ALL_USAGE_BYTES
        for host, name in documents.items():
            most = min(MAX_USAGE_BYTES, left)
            document = self.artifacts.document(name, USAGE, absent, most)
            size = 0 if name in absent else self.artifacts.size(name)
            left -= size if size <= most else 0
            if document and document["epoch"] == epoch:
                entries = [entry for entry in document["receipts"] if has_form(entry, RECEIPT)]
                receipts += [entry for entry in entries if facts.hosts.get(entry["endpointId"]) == host]
        return receipts

    # Step 4

    def _new_debts(self, epoch, upheld, absent):
        """What the maps before paid for the subjects of upheld disputes is owed to the treasury: at most their fees, whatever false lines say."""
        if not upheld:
            return []
        lines = [line for n in range(1, epoch) for line in self._published_lines(n, absent)]
        fees = sum(e.amount for e in self.chain.events("Redeemed") if e.epoch < epoch)
        debts = []
        for dispute, kind, subject in upheld:
            paid = {}
            for line in lines:
                if paid_for(line, kind, subject):
                    paid[line["account"]] = paid.get(line["account"], 0) + int(line["amount"])
            reason = f"the upheld dispute {dispute}"
            debts += [
                {"account": account, "amount": min(amount, fees), "to": None, "reason": reason}
                for account, amount in paid.items()
                if min(amount, fees) > 0
            ]
        return debts

    def _published_lines(self, epoch, absent):
        try:
            return list(self.pages.read(self._published_state(epoch, absent) or {"lines": []}, "lines", absent))
        except NoPage:
            return []

    # Step 3

    def _state_before(self, epoch, absent):
        if epoch == 1:
            return State({}, {}, [])
        document = self._published_state(epoch - 1, absent) or self.compute(epoch - 1, [], absent)
        carried = {}
        for entry in document["carried"]:
            place = entry["versionId"], entry["pot"]
            carried[place] = carried.get(place, 0) + int(entry["amount"])
        return State(
            cumulative={leaf["account"]: int(leaf["cumulative"]) for leaf in document["leaves"]},
            carried=carried,
            debts=[
                {"account": debt["account"], "amount": int(debt["amount"]), "to": debt["to"], "reason": debt["reason"]}
                for debt in document["debts"]
            ],
        )

    def _published_state(self, epoch, absent):
        """The state after the published map of an epoch, if its document gives it, and the lines as they stand there."""
        published = self.published(epoch)
        if published is None:
            raise LookupError(f"The map of epoch {epoch} is not published: no later epoch can be computed.")
        if not HASH(published.uri):
            return None
        document = self.artifacts.document(published.uri, REWARD_MAP, absent)
        if document is None:
            return None
        if int(document["total"]) != published.total:
            return None
        gained = sum(self.published(n).total for n in range(1, epoch + 1))
        received = sum(e.amount for e in self.chain.events("Redeemed") if e.epoch <= epoch)
        try:
            carried = list(self.pages.read(document, "carried", absent))
            if sum(int(entry["amount"]) for entry in carried) != received - gained:
                return None
            debts = list(self.pages.read(document, "debts", absent))
            leaves, last, left = [], "", gained
            for leaf in self.pages.read(document, "leaves", absent):
                left -= int(leaf["cumulative"])
                if left < 0 or leaf["account"] <= last:
                    return None
                last = leaf["account"]
                leaves.append(leaf)
        except NoPage:
            return None
        amounts = [(leaf["account"], int(leaf["cumulative"])) for leaf in leaves]
        if left != 0 or merkle_root(self.chain.id, self.chain.distributor, epoch, amounts) != published.root:
            return None
        return {"carried": carried, "debts": debts, "leaves": leaves, "lines": document["lines"]}

    # Whether a published map is right

    def published_epochs(self):
        return [epoch for epoch in sorted({e.epoch for e in self.chain.events("RewardMapPublished")}) if self.published(epoch)]

    def check(self, epoch):
        """The computed map of an epoch, and the first difference of the published one from it, as text; None when that is right."""
        published = self.published(epoch)
        document = self.artifacts.document(published.uri, REWARD_MAP, []) if HASH(published.uri) else None
        usage = [signed_usage(entry) for entry in document["usage"]] if document else []
        chosen = {entry["document"] for entry in usage}
        absent = [name for name in (document["absent"] if document else []) if name in chosen or not self.artifacts.has(name)]
        computed = self.compute(epoch, usage, absent)
        return computed, self._difference(published, document, computed)

    def _difference(self, published, document, computed):
        for field, value in (("blockHash", published.blockHash), ("root", published.root), ("total", str(published.total))):
            if computed[field] != value:
                return f"{field} on chain: published {value}, computed {computed[field]}"
        if document is None:
            return f"{published.uri or 'The empty uri'} is not the name of a reward map"
        for field in COMPARED:
            listed = document[field]
            if field in LISTS and not isinstance(listed, list):
                place = _difference(f"pages of {field}", listed["pages"], self.pages.names(computed[field]))
            else:
                place = _difference(field, listed, computed[field])
            if place:
                return f"{place} in the document"
        return None


COMPARED = (
    *("epoch", "chainId", "distributor", "fromBlock", "toBlock", "blockHash"),
    *("root", "total", "leaves", "carried", "debts", "lines"),
)
AMOUNTS = ("total", "cumulative", "amount", "pot", "weight", "whole")


def _difference(place, theirs, ours):
    """The first place in which a published value differs from the computed one; None when they are the same."""
    if isinstance(ours, dict):
        pairs = [(f"{place}.{name}", theirs[name], ours[name]) for name in ours] if theirs else []
    elif isinstance(ours, list):
        pairs = [(f"{place}[{i}]", *pair) for i, pair in enumerate(zip_longest(theirs, ours))]
    else:
        pairs = []
    if pairs:
        return next((found for found in (_difference(*pair) for pair in pairs) if found), None)
    return None if _same(place, theirs, ours) else f"{place}: published {theirs}, computed {ours},"


def _same(place, theirs, ours):
    """Amounts are compared as numbers, whatever zeros they begin with; all else as it stands."""
    if theirs is not None and place.endswith(AMOUNTS):
        theirs = re.sub("^(-?)0+(?=[0-9])", r"\1", theirs)
    return theirs == ours
