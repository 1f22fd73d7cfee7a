"""What can go wrong with the knowledge.

KnowledgeError
├── ServiceListError      the list has entries that do not fit the schema
├── TableError            a spreadsheet has rows that cannot be taken
├── NoSuchVersion         a version asked for is not kept
├── EncoderUnavailable    the sentence encoder cannot be loaded
└── IndexUnusable         a saved index is missing, damaged or made for something else
"""

from __future__ import annotations

from dataclasses import dataclass


class KnowledgeError(Exception):
    """Base of all errors of this package. The message is one sentence for the operator."""


@dataclass(frozen=True)
class Problem:
    """One thing to mend in the service list."""

    file: str
    line: int
    entry: str
    field: str
    message: str
    mend: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}"
        return f"{where}: {self.entry}.{self.field}: {self.message} → {self.mend}"


class ServiceListError(KnowledgeError):
    """The service list cannot be used; ``problems`` says where and how to mend it."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))


class TableError(KnowledgeError):
    """A spreadsheet cannot be taken; ``problems`` names row, column and mend of each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class NoSuchVersion(KnowledgeError):
    """The version asked for is not kept."""


class EncoderUnavailable(KnowledgeError):
    """The sentence encoder cannot be loaded here."""


class IndexUnusable(KnowledgeError):
    """The saved index must be rebuilt."""
