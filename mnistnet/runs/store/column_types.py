"""The types of columns: integers and real numbers within limits, texts of a pattern, JSON documents.

Each type checks a value in Python, and the same as an SQL condition.
"""

import re
from dataclasses import dataclass
from typing import Any, Protocol

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class ColumnType(Protocol):
    """The values that a column may hold."""

    @property
    def words(self) -> str:
        """The allowed values, in the words of an error message."""

    def allows(self, value: Any) -> bool:
        """True where the column may hold the value, as SQLite returns it."""

    def sql(self, column: str) -> str:
        """The same as an SQL condition; of texts it checks only type and length."""


@dataclass(frozen=True)
class Integer:
    """Integers from `low` to `high`."""

    low: int
    high: int
    optional: bool = False

    @property
    def words(self) -> str:
        return f"{self.low} to {self.high}"

    def allows(self, value: Any) -> bool:
        return (type(value) is int and self.low <= value <= self.high) or (self.optional and value is None)

    def sql(self, column: str) -> str:
        return _or_null(f"typeof({column}) = 'integer' AND {column} BETWEEN {self.low} AND {self.high}", column, self)


@dataclass(frozen=True)
class Real:
    """Finite real numbers from `low` to `high`."""

    low: float
    high: float
    optional: bool = False

    @property
    def words(self) -> str:
        return f"{self.low:g} to {self.high:g}"

    def allows(self, value: Any) -> bool:
        return (type(value) is float and self.low <= value <= self.high) or (self.optional and value is None)

    def sql(self, column: str) -> str:
        # In a column declared REAL, SQLite orders texts and bytes after all numbers.
        return _or_null(f"{column} BETWEEN {self.low!r} AND {self.high!r}", column, self)


@dataclass(frozen=True)
class Text:
    """Texts of `least` to `most` characters that match `pattern`; without one, no control characters."""

    most: int
    pattern: re.Pattern[str] | None = None
    least: int = 0
    optional: bool = False
    words: str = "a text without control characters"

    def allows(self, value: Any) -> bool:
        if type(value) is not str:
            return self.optional and value is None
        if not self.least <= len(value) <= self.most:
            return False
        if self.pattern:
            return self.pattern.fullmatch(value) is not None
        return value.isprintable() or not CONTROL.search(value)

    def sql(self, column: str) -> str:
        """Type and length only: to check each character of a store's 200,000 epochs takes too long."""
        condition = f"typeof({column}) = 'text' AND length({column}) BETWEEN {self.least} AND {self.most}"
        return _or_null(condition, column, self)


@dataclass(frozen=True)
class Json:
    """Any text: its parser checks it, and limits its size."""

    words: str = "a text"

    def allows(self, value: Any) -> bool:
        return type(value) is str

    def sql(self, column: str) -> str:
        return f"typeof({column}) = 'text'"


def _or_null(condition: str, column: str, kind: Integer | Real | Text) -> str:
    return f"({column} IS NULL OR {condition})" if kind.optional else f"({condition})"
