"""Steps 3 and 10: the pages in which the lists of a map continue."""

import json
import unicodedata

from .documents import LISTS, PAGE_ENTRIES
from .keccak import keccak_hex


class NoPage(Exception):
    """A page is in `absent`, or is none: the list has no entries."""


class Pages:
    def __init__(self, artifacts, entries=PAGE_ENTRIES):
        self.artifacts = artifacts
        self.entries = entries

    def read(self, document, name, absent):
        """The entries of a list of a document, page by page; raises NoPage at the first that is none."""
        listed = document[name]
        if isinstance(listed, list):
            yield from listed
            return
        seen = set()
        for i, page_name in enumerate(listed["pages"], 1):
            if page_name in seen:
                raise NoPage
            seen.add(page_name)
            page = self.artifacts.document(page_name, LISTS[name], absent) or []
            if not 1 <= len(page) <= self.entries or (len(page) < self.entries and i < len(listed["pages"])):
                raise NoPage
            yield from page

    def names(self, entries):
        """The names of the pages of a list."""
        parts = (entries[start : start + self.entries] for start in range(0, len(entries), self.entries))
        return [keccak_hex(canonical_json(part).encode()) for part in parts]


def canonical_json(value):
    return unicodedata.normalize("NFC", json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True))
