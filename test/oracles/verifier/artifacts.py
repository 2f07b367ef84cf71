"""Artifacts: files that are named by the keccak256 of their bytes."""

from functools import cache
from pathlib import Path

from .documents import MAX_DOCUMENT_BYTES, read_document
from .keccak import keccak_hex


class Missing(Exception):
    """An artifact that is needed, is not in `absent` and cannot be read: nothing can be said about the map."""


class Artifacts:
    def __init__(self, folder):
        self.folder = Path(folder)

    def _file(self, name):
        """As the artifact store lays them out: in sub-folders by the first two digits."""
        return self.folder / name[2:4] / name

    @cache  # hashing takes seconds for a few megabytes
    def has(self, name):
        file = self._file(name)
        return file.is_file() and keccak_hex(file.read_bytes()) == name

    def size(self, name):
        return self._file(name).stat().st_size

    def document(self, name, form, absent, max_bytes=MAX_DOCUMENT_BYTES):
        """What the document `name` states in `form`, or None; one in `absent`, or with more than `max_bytes`, states nothing."""
        if name in absent:
            return None
        file = self._file(name)
        if file.is_file() and file.stat().st_size > max_bytes:
            return None
        if not self.has(name):
            raise Missing(name)
        return read_document(self._file(name).read_bytes(), form)
